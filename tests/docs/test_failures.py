# SPDX-License-Identifier: Apache-2.0
"""The page of failures names tests that exist."""

import re

import pytest

from tests.docs.links import LINK, missing
from tests.docs.pages import DOCS

PAGE = DOCS / "reference/failures.md"
FORTY = range(1, 41)
LATER = ("5G and the user plane", "Kubernetes", "other adapters")
"""Parts of the project that do not exist yet."""

ROW = re.compile(r"^\| (\d+) \| .+ \| (.+) \|$", re.MULTILINE)


def rows() -> list[tuple[int, str]]:
    """Every failure: its number, and what shows that it is survived."""
    return [(int(number), shown) for number, shown in ROW.findall(PAGE.read_text())]


def test_every_failure_stands_once() -> None:
    """Forty rows, in order."""
    assert [number for number, _ in rows()] == list(FORTY)


@pytest.mark.parametrize(("number", "shown"), rows(), ids=lambda value: value if isinstance(value, int) else "")
def test_a_failure_is_shown_or_its_time_is_named(number: int, shown: str) -> None:
    """A row links a test, or names the part of the project it belongs to."""
    later = shown.startswith("later: ") and shown.removeprefix("later: ").startswith(LATER)
    assert LINK.search(shown) or later, f"{number}: {shown}"


def test_every_test_that_is_named_exists() -> None:
    """A renamed or deleted test is noticed."""
    assert list(missing(PAGE)) == []
