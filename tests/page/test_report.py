# SPDX-License-Identifier: Apache-2.0
"""The page as one file that tells a finished story."""

from pathlib import Path

from api.page import FILES, HERE
from api.page.report import render
from tests.page import story
from tests.page.browser import Tab


async def test_report_tells_the_story_from_a_disk(tab: Tab, tmp_path: Path) -> None:
    """No service, no network: verdict, both accounts, relocations, charts, evidence; its policy allows all it does."""
    path = tmp_path / "report.html"
    path.write_text(render(story.snapshot()), encoding="utf-8")
    await tab.go(path.as_uri())
    await tab.until("document.querySelectorAll('#list li').length", lambda number: number == 2)
    assert "today's order lost 235" in await tab.text("#verdict")
    assert await tab.value("[...document.querySelectorAll('#ours dd')].map((one) => one.textContent)") == [
        "9,120",
        "0",
        "0",
        "31 ms",
    ]
    assert await tab.value("document.querySelector('#actions').hidden") is True
    await tab.click("#list li:last-child button")
    await tab.until("document.querySelector('#chip').textContent", lambda text: text == "completed")
    assert "proven unused" in await tab.text("#steps")
    assert "Zero in flight" in await tab.text("#rungs")
    assert tab.complaints == []


async def test_report_of_nothing_is_a_page(tab: Tab, tmp_path: Path) -> None:
    """Every member of the story may be missing."""
    path = tmp_path / "report.html"
    path.write_text(render({}), encoding="utf-8")
    await tab.go(path.as_uri())
    await tab.until("!document.querySelector('#none').hidden")
    assert tab.complaints == []


def test_no_text_can_leave_its_element() -> None:
    """A story that holds markup cannot end the script element that holds it."""
    page = render({"relocations": [], "report": {"verdict": "</script><script>alert(1)</script>"}})
    assert "alert(1)</script>" not in page
    assert "\\u003c/script>" in page


def test_page_is_light_and_needs_nothing_else() -> None:
    """Less than 60 kB, and no address of elsewhere."""
    texts = {name: (HERE / name).read_text() for name in (*FILES, "index.html")}
    assert sum(len(text.encode()) for text in texts.values()) < 60_000
    for name, text in texts.items():
        assert "http://" not in text, name
        assert "https://" not in text, name
