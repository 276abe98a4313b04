# SPDX-License-Identifier: Apache-2.0
"""Where the time of a relocation goes: its phases, each from its start to its end, as bars.

The views come from the relocations that other measurements have made; alone, it makes some of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from typing import Any

from relocate.model.relocation import Phase, View
from tests.bench.bench import Bench
from tests.bench.fleet import fleet
from tests.bench.moving import Moving, Way
from tests.bench.rows import Row
from tests.workflow.service import running_service

NAME = "waterfall"
REAL, MEMORY = "a relocation on the real system, under traffic", "a relocation on parts in memory, all windows 0"
APPLICATION = "bench-fall"
ROUNDS = 3
"""Relocations of its own, where no other measurement has made any."""
WIDTH = 60
"""Characters of the longest bar."""
LONGEST = 4
"""How many phases the note names."""


@dataclass(frozen=True)
class Bar:
    """One phase, medians in milliseconds since the relocation was accepted."""

    phase: str
    start_ms: float
    end_ms: float


async def measure(bench: Bench) -> Sequence[Row]:
    """One row for each kind, for orientation; the bars are kept with the benchmark."""
    if REAL not in bench.views:
        bench.views[REAL] = await _real(bench)
    if MEMORY not in bench.views:
        bench.views[MEMORY] = await _in_memory(bench)
    return [_row(title, bars(bench.views[title])) for title in (REAL, MEMORY)]


async def _real(bench: Bench) -> Sequence[View]:
    bench.tell(f"waterfall: {ROUNDS} relocations on the real system")
    moving = Moving(await bench.system(), APPLICATION)
    await moving.begin()
    try:
        for _ in range(ROUNDS):
            await moving.move(Way.OURS)
    finally:
        await moving.end()
    return moving.views


async def _in_memory(bench: Bench) -> Sequence[View]:
    bench.tell(f"waterfall: {ROUNDS} relocations on parts in memory")
    client, folder = await bench.client(), bench.subfolder(NAME)
    async with running_service(client, folder, cached_workflows=1000) as service, fleet(service) as made:
        return [await made.move(made.applications[0]) for _ in range(ROUNDS + 1)][1:]


def _row(title: str, found: "Sequence[Bar]") -> Row:
    longest = sorted(found[:-1], key=lambda bar: bar.start_ms - bar.end_ms)[:LONGEST]
    note = "longest phases: " + ", ".join(f"{bar.phase} {bar.end_ms - bar.start_ms:.0f} ms" for bar in longest)
    return Row(name=NAME, what=title, value=found[-1].end_ms, unit="ms", note=note)


def bars(views: Sequence[View]) -> Sequence[Bar]:
    """One bar for each phase that took place in every view, in order of their starts, and one for the whole."""
    found = [bar for phase in Phase if (bar := _bar(phase, views)) is not None]
    ends = [_ms(view, view.finished_at) for view in views if view.finished_at is not None]
    return [*sorted(found, key=lambda bar: bar.start_ms), *([Bar("in all", 0.0, median(ends))] if ends else [])]


def drawn(title: str, found: Sequence[Bar]) -> str:
    """The bars as text."""
    whole = max((bar.end_ms for bar in found), default=0.0) or 1.0
    lines = [f"{title}, milliseconds"]
    for bar in found:
        before = round(WIDTH * bar.start_ms / whole)
        length = max(1, round(WIDTH * bar.end_ms / whole) - before)
        took = bar.end_ms - bar.start_ms
        lines.append(f"  {bar.phase:9} {took:6.0f}  {' ' * before}{'█' * length}")
    return "\n".join(lines)


def as_json(views: Mapping[str, Sequence[View]]) -> Mapping[str, Any]:
    """The bars of each kind of relocation, for `build/bench.json`."""
    return {title: [asdict(bar) for bar in bars(found)] for title, found in views.items()}


def _bar(phase: Phase, views: Sequence[View]) -> Bar | None:
    steps = [(view, step) for view in views for step in view.steps if step.phase is phase]
    times = [
        (_ms(view, step.started_at), _ms(view, step.finished_at))
        for view, step in steps
        if step.started_at and step.finished_at
    ]
    if not times or len(times) < len(views):
        return None
    return Bar(phase, median(start for start, _ in times), median(end for _, end in times))


def _ms(view: View, moment: datetime) -> float:
    return 1000 * (moment - view.created_at).total_seconds()
