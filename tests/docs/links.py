# SPDX-License-Identifier: Apache-2.0
"""Tests that a page of the documentation names, and whether they exist."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

LINK = re.compile(r"\[`(\w+)`\]\(([^)]+\.py)\)")


def linked(page: Path) -> Sequence[tuple[str, Path]]:
    """Every test that the page names, with its file."""
    return [(name, (page.parent / file).resolve()) for name, file in LINK.findall(page.read_text())]


def missing(page: Path) -> Iterator[str]:
    """Those that do not exist."""
    for name, file in linked(page):
        if not file.exists() or name not in _names_in(file):
            yield f"{file.name}: {name}"


def _names_in(file: Path) -> set[str]:
    """Names of the functions in a file, those in classes too."""
    found = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, found)}
