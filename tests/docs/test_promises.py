# SPDX-License-Identifier: Apache-2.0
"""The page of promises names tests that exist."""

import re

from tests.docs.links import LINK, missing
from tests.docs.pages import DOCS

PAGE = DOCS / "explanation/promises.md"
ROW = re.compile(r"^\| (.+) \| (.+) \|$", re.MULTILINE)
TABLES = re.compile(r"^\| promise \| shown by \|\n\|---\|---\|\n((?:\|.*\n)+)", re.MULTILINE)


def promises() -> list[tuple[str, str]]:
    """Every promise, and what shows it."""
    return [row for table in TABLES.findall(PAGE.read_text()) for row in ROW.findall(table)]


def test_every_promise_is_followed_by_a_test() -> None:
    """No row without a link; and there are rows."""
    assert promises()
    assert [promise for promise, shown in promises() if not LINK.search(shown)] == []


def test_every_test_that_is_named_exists() -> None:
    """A renamed or deleted test is noticed."""
    assert list(missing(PAGE)) == []
