# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.bench`: measures, prints the table, writes `build/bench.json`. It never fails for being slow.

Exit code: 0 when every row could be measured, whatever it says; 1 when one could not.
"""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvloop
from rich.console import Console

from relocate.model.relocation import View
from tests.bench import (
    accepting,
    clients,
    concurrent,
    growth,
    invoking,
    losses,
    memory,
    push,
    relocation,
    switching,
    waterfall,
)
from tests.bench.bench import Measure, opened
from tests.bench.loads import loads
from tests.bench.measuring import measured
from tests.bench.printing import machine, table, write_docs, write_json
from tests.bench.rows import Row

MEASURES: Mapping[str, Measure] = {
    memory.NAME: memory.measure,
    losses.NAME: losses.measure,
    loads.NAME: loads.measure,
    switching.NAME: switching.measure,
    push.NAME: push.measure,
    clients.NAME: clients.measure,
    relocation.NAME: relocation.measure,
    accepting.NAME: accepting.measure,
    invoking.NAME: invoking.measure,
    concurrent.NAME: concurrent.measure,
    concurrent.MANY_NAME: concurrent.measure_many,
    growth.NAME: growth.measure,
    waterfall.NAME: waterfall.measure,
}
"""By name, in the order in which they run: memory first, while the service has done nothing yet."""
LONG = frozenset({concurrent.MANY_NAME})
"""Not in a run of all unless it is asked for: minutes for one row that is not judged."""
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
    rows, views = uvloop.run(_measured(console, _names(arguments)))  # as the processes of the service run
    console.print(table(rows))
    for title, found in views.items():
        console.print(waterfall.drawn(title, waterfall.bars(found)), "")
    console.print(f"[dim]{machine()}[/dim]")
    write_json(JSON, rows, waterfall=waterfall.as_json(views))
    missing = [row.name for row in rows if row.value is None]
    if arguments.write_docs and LONG.issuperset(missing):
        write_docs(DOCS, rows, [waterfall.drawn(title, waterfall.bars(found)) for title, found in views.items()])
    return 1 if missing else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure, beside references of the same run."
    )
    parser.add_argument("--only", action="append", choices=list(MEASURES), metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--long", action="store_true", help=f"also what takes minutes: {', '.join(sorted(LONG))}")
    parser.add_argument("--write-docs", action="store_true", help=f"all, with the long ones; put the table into {DOCS}")
    return parser


def _names(arguments: argparse.Namespace) -> Sequence[str]:
    """What is measured: what was asked for, or all; what takes minutes by itself only for the documentation."""
    everything = arguments.long or arguments.write_docs
    return arguments.only or [name for name in MEASURES if everything or name not in LONG]


async def _measured(console: Console, names: Sequence[str]) -> tuple[list[Row], Mapping[str, Sequence[View]]]:
    """Rows, and the relocations whose phases can be drawn."""
    async with opened(lambda sentence: console.print(f"[dim]{sentence}[/dim]")) as bench:
        return await measured(bench, MEASURES, names), bench.views


if __name__ == "__main__":
    sys.exit(main())
