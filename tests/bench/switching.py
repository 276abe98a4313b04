# SPDX-License-Identifier: Apache-2.0
"""What users feel of a relocation, against a control run: the same deploy and remove, for as long, and no steering.

Traffic and Envoys are pinned to one core, so that what is compared is not how the machine shares its cores. Relocation
and control take turns.
"""

from collections.abc import Sequence
from statistics import median

from relocate.demo import site
from relocate.demo.report.accounts import Window, latency
from relocate.demo.report.spans import nanoseconds
from relocate.model.relocation import Outcome, Phase, View
from tests.bench.bench import Bench
from tests.bench.moving import Moving, Way, pin
from tests.bench.rows import Reach, Row, Times, timed

NAME = "switching"
APPLICATION = "bench-felt"
PAIRS = 3
CORE = 1


async def measure(bench: Bench) -> Sequence[Row]:
    """Two rows: p99 from the scheduled send, and the longest gap of a UE."""
    bench.tell(f"switching: {PAIRS} relocations and {PAIRS} control runs, in turns")
    system = await bench.system()
    moving = Moving(system, APPLICATION)
    await moving.begin()
    try:
        _pin(moving)
        for _ in range(PAIRS):
            took = await moving.move(Way.OURS)
            await moving.move(Way.NOTHING, seconds=took)
    finally:
        await moving.end()
    not_done = [view.sentence for view in moving.views if view.outcome is not Outcome.COMPLETED]
    if not_done:
        raise RuntimeError(f"a relocation did not complete: {not_done[0]}")
    return [_p99(moving), _gap(moving)]


def _pin(moving: Moving) -> None:
    names = (*site.INSTANCES, f"traffic-{APPLICATION}")
    pin([moving.system.processes.named(name).process.pid for name in names], CORE)


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
