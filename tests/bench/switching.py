# SPDX-License-Identifier: Apache-2.0
"""What users feel of a relocation, against a control run: the same deploy and remove, for as long, and no steering.

Traffic and Envoys are pinned to one core, everything else to the others, so that what is compared is not how the machine
shares its cores. Relocation and control take turns; one pair before them, with cold clients, is not counted.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from statistics import median

from relocate.demo import site
from relocate.demo.report.accounts import Window, latency
from relocate.demo.report.spans import nanoseconds
from relocate.demo.system import System
from relocate.model.relocation import Outcome, Phase, View
from tests.bench import waterfall
from tests.bench.bench import Bench
from tests.bench.moving import Moving, Way
from tests.bench.rows import Reach, Row, Times, timed

NAME = "switching"
APPLICATION = "bench-felt"
PAIRS = 5


async def measure(bench: Bench) -> Sequence[Row]:
    """Two rows: p99 from the scheduled send, and the longest gap of a UE."""
    bench.tell(f"switching: {PAIRS} relocations and {PAIRS} control runs, in turns, after one pair that is not counted")
    moving = Moving(await bench.system(), APPLICATION)
    await moving.begin()
    try:
        with _own_core(moving.system, [*site.INSTANCES, f"traffic-{APPLICATION}"]):
            await _pairs(moving, 1)
            moving.forget()
            await _pairs(moving, PAIRS)
    finally:
        await moving.end()
    bench.views[waterfall.REAL] = moving.views
    not_done = [view.sentence for view in moving.views if view.outcome is not Outcome.COMPLETED]
    if not_done:
        raise RuntimeError(f"a relocation did not complete: {not_done[0]}")
    return [_p99(moving), _gap(moving)]


async def _pairs(moving: Moving, number: int) -> None:
    for _ in range(number):
        took = await moving.move(Way.OURS)
        await moving.move(Way.NOTHING, seconds=took)


@contextmanager
def _own_core(system: System, names: Sequence[str]) -> Iterator[None]:
    """Give these processes one core, and all others of the benchmark the rest; on one core all share it."""
    cores = os.sched_getaffinity(0)
    own, rest = {max(cores)}, cores - {max(cores)} or cores
    alone = {system.processes.named(name).process.pid for name in names}
    others = set(_descendants(os.getpid())) - alone
    _pin(alone, own)
    _pin(others, rest)
    try:
        yield
    finally:
        _pin(set(_descendants(os.getpid())), cores)


def _descendants(process: int) -> Iterable[int]:
    """A process and all that it and its children have started; one that ends meanwhile is left out."""
    yield process
    for thread in _threads(process):
        try:
            children = (thread / "children").read_text(encoding="ascii").split()
        except OSError:
            continue
        yield from chain.from_iterable(_descendants(int(child)) for child in children)


def _pin(processes: Iterable[int], cores: set[int]) -> None:
    """Let every thread of these processes, and what they start from now on, run on these cores only."""
    for thread in chain.from_iterable(_threads(process) for process in processes):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), cores)


def _threads(process: int) -> Sequence[Path]:
    try:
        return list(Path(f"/proc/{process}/task").iterdir())
    except OSError:
        return []


def _p99(moving: Moving) -> Row:
    ours, control = (Times([_p99_in(moving, one) for one in moving.windows[way]]) for way in (Way.OURS, Way.NOTHING))
    around = median(_p99_in(moving, _switch(view)) for view in moving.views)
    return timed(
        NAME,
        f"UE p99 during a relocation, from the scheduled send, median of {PAIRS}",
        ours,
        control,
        against=Way.NOTHING,
        reach=Reach(1.2),
        note=f"for orientation: p99 from the switch until the source is drained {around:.1f} ms",
    )


def _gap(moving: Moving) -> Row:
    ours, control = (
        Times([moving.account_of(one).account().longest_gap_ms for one in moving.windows[way]])
        for way in (Way.OURS, Way.NOTHING)
    )
    what = f"longest gap of any UE on any protocol during a relocation, median of {PAIRS}"
    return timed(NAME, what, ours, control, against=Way.NOTHING, reach=Reach(2.0))


def _p99_in(moving: Moving, window: Window) -> float:
    found = latency(moving.account_of(window).records).p99
    if found is None:
        raise RuntimeError("no request was answered in a window")
    return found


def _switch(view: View) -> Window:
    """From the beginning of `switch` to the end of `drain`."""
    steps = {step.phase: step for step in view.steps}
    begin, end = steps[Phase.SWITCH].started_at, steps[Phase.DRAIN].finished_at
    if begin is None or end is None:
        raise RuntimeError(f"{view.id} has no times of its switch")
    return nanoseconds(begin), nanoseconds(end)
