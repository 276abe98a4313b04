# SPDX-License-Identifier: Apache-2.0
"""The rows on the screen, in JSON, and in the documentation."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from tests.bench.rows import Row

BEGIN, END = "<!-- one run -->", "<!-- end of the run -->"
COLUMNS = ("what", "measured", "against", "reference", "ratio", "to reach", "")


def table(rows: Sequence[Row]) -> Table:
    """For the screen."""
    made = Table(box=box.SIMPLE_HEAD)
    for column in COLUMNS:
        made.add_column(
            column, overflow="fold", justify="right" if column in ("measured", "reference", "ratio") else "left"
        )
    for row in rows:
        what = "\n".join(
            part for part in (row.what, f"[dim]{row.spread}[/dim]" if row.spread else "", _dim(row.note)) if part
        )
        made.add_row(what, *_cells(row), style="red" if row.ok is False or row.value is None else None)
    return made


def write_json(path: Path, rows: Sequence[Row], **more: Any) -> None:
    """The rows, with where and when, and what else was measured under keys of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "machine": machine(),
        "rows": [row.model_dump() for row in rows],
        **more,
    }
    path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


def write_docs(path: Path, rows: Sequence[Row], drawings: Sequence[str]) -> None:
    """Replace the run's table and drawings in the page.

    Raises:
        ValueError: the page does not have the two marks between which the table stands.
    """
    text = path.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{path}: must have the marks {BEGIN} and {END} once each")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    blocks = [_markdown(rows), *(f"```\n{drawing}\n```" for drawing in drawings)]
    path.write_text("\n\n".join([f"{head}{BEGIN}", *blocks, f"{END}{tail}"]), encoding="utf-8")


def machine() -> str:
    """What it ran on, without a name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = os.cpu_count()
    return (
        f"{cores} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def _markdown(rows: Sequence[Row]) -> str:
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---|--:|---|--:|--:|---|---|",
    ]
    for row in rows:
        notes = "; ".join(part for part in (row.spread, row.note) if part)
        what = f"{row.what}<br>*{notes}*" if notes else row.what
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in (what, *_cells(row))) + " |")
    return "\n".join(lines)


def _cells(row: Row) -> Sequence[str]:
    verdict = {True: "reached", False: "missed", None: "" if row.value is not None else "not measured"}[row.ok]
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
    return (
        _figure(row.value, row.unit),
        row.against,
        _figure(row.reference, row.unit),
        ratio,
        row.reach or "",
        verdict,
    )


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = f"{value:.0f}" if value == round(value) or value >= 100 else f"{value:.1f}"
    return f"{digits} {unit}".strip()


def _dim(text: str) -> str:
    return f"[dim]{text}[/dim]" if text else ""
