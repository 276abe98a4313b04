# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.bench`: measures, prints the table, writes `build/bench.json`. It never fails for being slow.

Exit code: 0 when every row could be measured, whatever it says; 1 when one could not.
"""

import argparse
import asyncio
import logging
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from tests.bench import accepting, clients, losses, memory, push, relocation, switching
from tests.bench.bench import Bench, Measure, opened
from tests.bench.printing import machine, table, write_docs, write_json
from tests.bench.rows import Row

MEASURES: Mapping[str, Measure] = {
    memory.NAME: memory.measure,
    losses.NAME: losses.measure,
    switching.NAME: switching.measure,
    push.NAME: push.measure,
    clients.NAME: clients.measure,
    relocation.NAME: relocation.measure,
    accepting.NAME: accepting.measure,
}
"""By name, in the order in which they run: memory first, while the service has done nothing yet."""
JSON = Path("build/bench.json")
WIDTH = 140
"""Characters a line at least, also where nobody looks."""
DOCS = Path("docs/reference/benchmarks.md")


def main() -> int:
    """Measure what is asked for."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.write_docs and arguments.only:
        parser.error("--write-docs: writes a whole run, so it cannot stand with --only")
    logging.basicConfig(level=logging.ERROR)  # Temporal's SDK warns of each activity that a workflow cancels
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    rows = asyncio.run(_measured(console, arguments.only or list(MEASURES)))
    console.print(table(rows))
    console.print(f"[dim]{machine()}[/dim]")
    write_json(JSON, rows)
    missing = [row.name for row in rows if row.value is None]
    if arguments.write_docs and not missing:
        write_docs(DOCS, rows)
    return 1 if missing else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure, beside references of the same run."
    )
    parser.add_argument("--only", action="append", choices=list(MEASURES), metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--write-docs", action="store_true", help=f"put the table into {DOCS}")
    return parser


async def _measured(console: Console, names: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    async with opened(lambda sentence: console.print(f"[dim]{sentence}[/dim]")) as bench:
        for name in MEASURES:
            if name in names:
                rows += await _one(bench, name)
    return rows


async def _one(bench: Bench, name: str) -> Sequence[Row]:
    try:
        return await MEASURES[name](bench)
    except Exception as error:  # noqa: BLE001 - whatever stopped it, the row says so and the others go on
        traceback.print_exc()
        return [
            Row(
                name=name,
                what=name,
                value=None,
                unit="",
                note=f"could not be measured: {type(error).__name__}: {error}",
            )
        ]


if __name__ == "__main__":
    sys.exit(main())
