# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.bench.kubernetes`: measures on two real clusters, prints the table, writes `build/bench-k8s.json`.

It never fails for being slow. Exit code: 0 when every row could be measured, whatever it says; 1 when one could not; 2 when
this machine has no clusters.
"""

import argparse
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import uvloop
from rich.console import Console

from tests.bench.kubernetes import at_once, losses, proving, ready, requests
from tests.bench.kubernetes.stage import Stage, staged
from tests.bench.measuring import measured
from tests.bench.printing import machine, table, write_docs, write_json
from tests.bench.rows import Row
from tests.testbed.clusters import Clusters, clusters, missing

Measure = Callable[[Stage, int], Awaitable[Sequence[Row]]]

MEASURES: Mapping[str, tuple[Measure, int]] = {
    ready.NAME: (ready.measure, 8),
    proving.NAME: (proving.measure, 10),
    requests.NAME: (requests.measure, 3),
    losses.NAME: (losses.measure, 5),
    at_once.NAME: (at_once.measure, 2),
}
"""By name, in the order in which they run, each with how often it repeats."""
JSON = Path("build/bench-k8s.json")
WIDTH = 140
"""Characters a line at least, also where nobody looks."""
DOCS = Path("docs/reference/kubernetes-benchmarks.md")
UNMEASURED, LACKING = 1, 2


def main() -> int:
    """Measure what is asked for."""
    parser = _parser()
    given = parser.parse_args()
    if given.write_docs and (given.only or given.rounds):
        parser.error("--write-docs: writes a whole run, so it cannot stand with --only or --rounds")
    lacking = missing()
    if lacking:
        sys.stderr.write("".join(f"this machine lacks {need}\n" for need in lacking))
        return LACKING
    logging.basicConfig(level=logging.ERROR)  # Temporal's SDK warns of each activity that a workflow cancels
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    with clusters() as found:
        rows = uvloop.run(_measured(console, found, given.only or list(MEASURES), given.rounds))
    console.print(table(rows))
    console.print(f"[dim]{machine()}[/dim]")
    write_json(JSON, rows)
    if any(row.value is None for row in rows):
        return UNMEASURED
    if given.write_docs:
        write_docs(DOCS, rows, ())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.kubernetes",
        description="Measure on real clusters, beside references of the same run.",
    )
    parser.add_argument("--only", action="append", choices=list(MEASURES), metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--rounds", type=int, help="how often each measurement repeats, instead of its own number")
    parser.add_argument("--write-docs", action="store_true", help=f"all, and put the table into {DOCS}")
    return parser


async def _measured(console: Console, found: Clusters, names: Sequence[str], rounds: int | None) -> list[Row]:
    measures = {name: partial(_repeated, measure, rounds or own) for name, (measure, own) in MEASURES.items()}
    async with staged(found, lambda sentence: console.print(f"[dim]{sentence}[/dim]")) as stage:
        return await measured(stage, measures, names)


async def _repeated(measure: Measure, rounds: int, stage: Stage) -> Sequence[Row]:
    return await measure(stage, rounds)


if __name__ == "__main__":
    sys.exit(main())
