# SPDX-License-Identifier: Apache-2.0
"""The page of failures names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS

PAGE = DOCS / "reference/failures.md"
FORTY = range(1, 41)
PENDING: tuple[str, ...] = ()
"""Drills that the page waits for. One that exists is to be linked, by the names of its tests, and leaves this list."""
LATER = ("5G and the user plane", "Kubernetes", "other adapters")
"""Parts of the project that do not exist yet."""

ROW = re.compile(r"^\| (\d+) \| .+ \| (.+) \|$", re.MULTILINE)
LINK = re.compile(r"\[`(\w+)`\]\(([^)]+)\)")


def rows() -> list[tuple[int, str]]:
    """Every failure: its number, and what shows that it is survived."""
    return [(int(number), shown) for number, shown in ROW.findall(PAGE.read_text())]


def linked() -> list[tuple[str, Path]]:
    """Every test that the page names, with its file."""
    return [(name, (PAGE.parent / file).resolve()) for _, shown in rows() for name, file in LINK.findall(shown)]


def names_in(file: Path) -> set[str]:
    """Names of the functions in a file, those in classes too."""
    found = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, found)}


def test_every_failure_stands_once() -> None:
    """Forty rows, in order."""
    assert [number for number, _ in rows()] == list(FORTY)


@pytest.mark.parametrize(("number", "shown"), rows(), ids=lambda value: value if isinstance(value, int) else "")
def test_a_failure_is_shown_or_its_time_is_named(number: int, shown: str) -> None:
    """A row links a test, waits for a drill that is being written, or names the part of the project it belongs to."""
    later = shown.startswith("later: ") and shown.removeprefix("later: ").startswith(LATER)
    assert LINK.search(shown) or "pending: " in shown or later, f"{number}: {shown}"


def test_every_test_that_is_named_exists() -> None:
    """A renamed or deleted test is noticed."""
    files = {file: names_in(file) if file.exists() else set() for _, file in linked()}
    assert [f"{file.name}: {name}" for name, file in linked() if name not in files[file]] == []


def test_what_is_waited_for_is_not_there_yet() -> None:
    """The page waits for the drills of this list, and for none that has been written."""
    waited_for = re.findall(r"pending: `([^`]+)`", PAGE.read_text())
    assert sorted(waited_for) == sorted(PENDING)
    assert [file for file in PENDING if (DOCS.parent / file).exists()] == []
