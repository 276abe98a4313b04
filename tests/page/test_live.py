# SPDX-License-Identifier: Apache-2.0
"""The page beside a running service."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import insert

from relocate.model.relocation import Phase, RelocationRequest, Status, View
from relocate.prober.histogram import of
from relocate.prober.records import Second, SideCount
from relocate.store.database import Database
from relocate.store.tables import EVENTS
from relocate.store.watched import HandOver
from steering.store.engine import writing
from tests.api.listening import listening
from tests.api.memory_dispatch import MemoryDispatch, finish
from tests.page import story
from tests.page.browser import Tab

SENTENCE = "document.querySelector('#sentence').textContent"


def show(database: Database, view: View) -> None:
    """Accept a relocation and make it look like `view`."""
    database.acceptance.accept(view.id, RelocationRequest(application=view.application))
    database.relocations.change(view.id, lambda _: view)


async def test_relocation_appears_and_moves_on_live(tab: Tab, app: FastAPI, database: Database) -> None:
    """No reload: the newest is shown with its sentence, phases, weights and what is left on A."""
    async with listening(app) as address:
        await tab.go(address)
        await tab.until("document.querySelector('#link').dataset.state", lambda state: state == "live")
        assert "Nothing has been relocated yet" in await tab.text("#none")
        show(database, story.draining())
        await tab.until(SENTENCE, lambda text: text.startswith("Waiting until nobody uses mec-b"))
        assert await tab.text("#what") == "navigator: mec-b → mec-a"
        assert await tab.text("#left") == "14"
        assert await tab.text("#weights-text") == "mec-b 0 % · mec-a 100 %"
        assert "ahead" in await tab.text(".pnr")
        assert await tab.value("document.querySelector('[data-phase=drain]').dataset.state") == "running"
        finish(database, "r-2")
        await tab.until("document.querySelector('#chip').textContent", lambda text: text == "completed")
        assert tab.complaints == []


async def test_point_of_no_return_is_shown_when_passed(tab: Tab, app: FastAPI, database: Database) -> None:
    """Hold and cancel are over then, and the page says so."""
    view = story.draining().model_copy(update={"phase": Phase.TEARDOWN, "point_of_no_return": True})
    show(database, view)
    async with listening(app) as address:
        await tab.go(address)
        await tab.until("document.querySelector('.pnr')?.dataset.passed", lambda passed: passed == "true")
        assert "passed" in await tab.text("#way")
        for command in ("hold", "cancel", "proceed"):
            assert await tab.value(f"document.querySelector('[data-command={command}]').disabled") is True


async def test_command_asks_why_and_says_what_became_of_it(
    tab: Tab, app: FastAPI, database: Database, dispatch: MemoryDispatch
) -> None:
    """Hold with a reason; the answer's sentence is shown, also when refused."""
    show(database, story.draining())
    async with listening(app) as address:
        await tab.go(address)
        await tab.until("!document.querySelector('[data-command=hold]')?.disabled")
        await tab.click("[data-command=hold]")
        assert await tab.value("document.querySelector('#ask').open") is True
        await tab.value("document.querySelector('#why').value = 'lunch'")
        await tab.click("#ask-yes")
        await tab.until("document.querySelector('#result').textContent", lambda text: text == "Accepted: hold.")
        assert dispatch.actors[-1].why == "lunch"
        dispatch.refusing = True
        await tab.click("[data-command=hold]")
        await tab.click("#ask-yes")
        await tab.until("document.querySelector('#result').textContent", lambda text: "nothing to hold" in text)


async def test_operator_is_offered_both_sides(
    tab: Tab, app: FastAPI, database: Database, dispatch: MemoryDispatch
) -> None:
    """needs_operator shows the next step and the commands that exist only then."""
    stuck = {"status": Status.NEEDS_OPERATOR, "next_step": "look at mec-a, then settle or retry"}
    show(database, story.draining().model_copy(update=stuck))
    async with listening(app) as address:
        await tab.go(address)
        await tab.until("document.querySelector('#next').textContent", lambda text: "settle or retry" in text)
        assert await tab.text("[data-side=source]") == "Settle on mec-b"
        await tab.click("[data-side=target]")
        await tab.click("#ask-yes")
        await tab.until("document.querySelector('#result').textContent", lambda text: text == "Accepted: settle.")


async def test_what_is_older_than_what_is_shown_changes_nothing(tab: Tab, app: FastAPI, database: Database) -> None:
    """The list may be ahead of the events: a command would go out for a state that is over."""
    stuck = {"status": Status.NEEDS_OPERATOR, "next_step": "settle or retry", "revision": 7}
    view = story.draining().model_copy(update=stuck)
    show(database, view)
    async with listening(app) as address:
        await tab.go(address)
        await tab.until("document.querySelector('#next').textContent", lambda text: "settle or retry" in text)
        older = view.model_copy(update={"status": Status.ACCEPTED, "target": None, "next_step": "", "revision": 0})
        with writing(database.engine) as connection:
            told = {"kind": "view", "data": older.model_dump(mode="json"), "at": datetime.now(UTC)}
            connection.execute(insert(EVENTS), [{"relocation": view.id, **told}])
        show(database, view.model_copy(update={"id": "r-3", "application": "other"}))
        await tab.until("document.querySelector('[data-id=r-3]') !== null")
        await tab.click("[data-id=r-2] button")
        await tab.until("document.querySelector('#what').textContent", lambda text: text.startswith("navigator"))
        assert (await tab.text("#next")).endswith("settle or retry")


async def test_foreign_text_stays_text(tab: Tab, app: FastAPI, database: Database) -> None:
    """What others wrote is never a program."""
    trap = "<img src=x onerror=\"document.title='caught'\"></script><script>document.title='caught'</script>"
    show(database, story.draining().model_copy(update={"sentence": trap}))
    async with listening(app) as address:
        await tab.go(address)
        await tab.until(SENTENCE, lambda text: text == trap)
        assert await tab.value("document.title") == "Edge relocation"
        assert await tab.value("document.querySelectorAll('#detail img').length") == 0
        assert tab.complaints == []


async def test_page_asks_for_a_token_and_keeps_it_in_the_tab(
    tab: Tab, make_app: Callable[..., FastAPI], database: Database
) -> None:
    """Nothing is shown without it; it stands neither in the address nor in a cookie."""
    show(database, story.draining())
    tokens = [{"name": "screen", "token": "s" * 20, "scopes": ["read"]}]
    async with listening(make_app(tokens=tokens)) as address:
        await tab.go(address)
        await tab.until("document.querySelector('#login').open")
        assert await tab.value(SENTENCE) == ""
        await tab.value(f"document.querySelector('#token').value = '{'s' * 20}'")
        await tab.click("#login .primary")
        await tab.until(SENTENCE, lambda text: text.startswith("Waiting"))
        assert await tab.value("document.cookie + location.search + location.hash") == ""


async def test_decision_and_evidence_are_shown(tab: Tab, app: FastAPI, database: Database) -> None:
    """Candidates ranked and rejected with reasons; rungs with their latest claims."""
    show(database, story.finished())
    database.relocations.tell("r-1", "decision", story.decision().model_dump(mode="json"))
    database.evidence.append("r-1", story.CLAIMS)
    async with listening(app) as address:
        await tab.go(address)
        await tab.until("document.querySelector('#decision').innerText", lambda text: "it is cordoned" in text)
        await tab.until("document.querySelector('#rungs').innerText", lambda text: "Zero in flight" in text)
        assert "chain whole" in await tab.text("#chain")
        assert "91.5" in await tab.text("#decision")


async def test_charts_show_the_feed(
    tab: Tab, make_app: Callable[..., FastAPI], database: Database, tmp_path: Path
) -> None:
    """Seconds of the feed are drawn, today's and ours are counted apart."""
    feed = tmp_path / "seconds.jsonl"
    feed.write_text("".join(json.dumps(line) + "\n" for line in story.traffic()))
    show(database, story.finished())
    async with listening(make_app(page_feed=feed)) as address:
        await tab.go(address)
        await tab.until("!document.querySelector('#charts').hidden")
        await tab.click("[data-range=all]")
        label = await tab.until(
            "document.querySelector('#rate').getAttribute('aria-label')", lambda text: text and "235 lost" in text
        )
        assert "counted by the clients" in label
        assert "235" in await tab.text("#today")
        assert await tab.value("[...document.querySelectorAll('#ours dd')].map((one) => one.textContent)[1]") == "0"
        assert tab.complaints == []


async def test_charts_fall_back_to_the_prober(tab: Tab, app: FastAPI, database: Database) -> None:
    """Without a feed the chart shows what was sampled, and says so."""
    show(database, story.finished())
    start = int(story.START.timestamp()) + 46
    for second in range(start, start + 17):
        side = "mec-a" if second < start + 8 else "mec-b"
        sides = {side: SideCount(count=20, histogram=of([5.0] * 20))}
        record = Second(vantage="edge-1", second=second, sent=20, right=20, by_side=sides)
        database.watched.put(HandOver("r-1", "web", {("edge-1", second): record.model_dump(mode="json")}))
    async with listening(app) as address:
        await tab.go(address)
        await tab.until("!document.querySelector('#charts').hidden")
        await tab.click("[data-range=one]")
        await tab.until("document.querySelector('#readout').textContent", lambda text: "340 requests" in text)
        assert "sampled by the prober" in await tab.text("#legend")


async def test_page_comes_back_after_the_service(
    tab: Tab, make_app: Callable[..., FastAPI], database: Database
) -> None:
    """It says that the connection is lost, and goes on by itself when the service is back."""
    async with listening(make_app()) as address:
        await tab.go(address)
        await tab.until("document.querySelector('#link').dataset.state", lambda state: state == "live")
    await tab.until("document.querySelector('#link').dataset.state", lambda state: state == "lost")
    assert "trying again" in await tab.text("#link")
    show(database, story.draining())
    async with listening(make_app(), int(address.rpartition(":")[2])):
        await tab.until(SENTENCE, lambda text: text.startswith("Waiting"))


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
async def test_page_fits_its_window(tab: Tab, app: FastAPI, database: Database, width: int, dark: bool) -> None:
    """Nothing stands beyond the right edge, on a desk and on a phone."""
    for view in (story.finished(), story.draining()):
        show(database, view)
        database.evidence.append(view.id, story.CLAIMS)
    async with listening(app) as address:
        await tab.go(address, width=width, dark=dark)
        await tab.until("document.querySelector('#rungs').innerText.length")
        assert await tab.value("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
