# SPDX-License-Identifier: Apache-2.0
"""Executions whose every choice is drawn by lot: far beyond the bounds of a search, and each repeated by its seed."""

import random
from dataclasses import dataclass

from tests.modelcheck.bounds import Bounds
from tests.modelcheck.broken import Broken
from tests.modelcheck.machine import Machine, Option
from tests.modelcheck.remembered import Same, remembered


@dataclass(frozen=True)
class Schedule:
    """One execution."""

    seed: int
    bounds: Bounds
    moments: int
    outcome: str
    trace: list[str]
    broken: Broken | None = None

    def __str__(self) -> str:
        steps = "\n".join(f"  {number}. {step}" for number, step in enumerate(self.trace, start=1))
        return f"seed {self.seed} ({self.bounds.name}): {self.broken or self.outcome}\n{steps}"


def play(seed: int, configurations: "tuple[Bounds, ...]", *, tell: bool = False) -> Schedule:
    """One schedule, all of which follows from its seed.

    Args:
        seed: any number.
        configurations: the lot decides among them, too.
        tell: keep the trace; it is made anew for a schedule that is broken.
    """
    lot = random.Random(seed)  # noqa: S311 - no secret is made of it
    bounds = lot.choice(configurations)
    trouble = lot.choice((0.01, 0.03, 0.1, 0.3))
    machine, trace = Machine(bounds), []
    try:
        begins = lot.randrange(_length(Same(bounds)))
        while (option := _drawn(lot, machine, trouble, begins)) is not None:
            if tell and option.says:
                trace.append(f"{option.says} (in {machine.doing})")
            machine.take(option)
            machine.check()
    except Broken as broken:
        if not tell:
            return play(seed, configurations, tell=True)
        return Schedule(seed, bounds, machine.moments, "broken", trace, broken)
    ended = Schedule(seed, bounds, machine.moments, str(machine.outcome or machine.status), trace)
    machine.loop.close()
    return ended


@remembered
def _length(bounds: Same[Bounds]) -> int:
    """How many moments there are when all goes well. Raises `Broken`."""
    machine = Machine(bounds.value)
    while (option := machine.usual()) is not None:
        machine.take(option)
        machine.check()
    machine.loop.close()
    return machine.moments


def _drawn(lot: random.Random, machine: Machine, trouble: float, begins: int) -> Option | None:
    """Mostly what happens when all is well; now and then, as often as this schedule has it, anything.

    Something out of the ordinary happens at the moment `begins`, or at the first one after it at which something can:
    no schedule is only what happens when all is well.
    """
    if machine.moments < begins:
        return machine.usual()
    if machine.untroubled:
        options = machine.options()
        return lot.choice([one for one in options if one.kind is not None] or options or [None])
    if lot.random() >= trouble:
        return machine.usual()
    options = machine.options()
    return lot.choice(options) if options else None
