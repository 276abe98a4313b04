# SPDX-License-Identifier: Apache-2.0
"""What will be broken, and when: drawn from a seed, the same seed the same list. Nothing here does anything."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from relocate.model.relocation import Phase

T = TypeVar("T")


class Deed(StrEnum):
    """What is done to a victim."""

    KILL = "kill"
    """SIGKILL, and a start after a pause, as a supervisor would."""
    FREEZE = "freeze"
    """SIGSTOP, and SIGCONT after a pause."""
    LOCK = "lock"
    """The database: somebody holds its write lock."""
    CANCEL = "cancel"
    HOLD = "hold"
    """And proceed, after a pause."""


class Victim(StrEnum):
    """Who is hit. Source and target are those of the relocation that the strike belongs to; the rest serves all."""

    WORKER = "one worker"
    WORKERS = "both workers"
    API = "api"
    CONTROL = "gateway-control"
    GATEWAY_1 = "edge-1"
    GATEWAY_2 = "edge-2"
    TEMPORAL = "temporal"
    DATABASE = "database"
    SOURCE = "instance on the source"
    TARGET = "instance on the target"
    SOURCE_AGENT = "agent of the source"
    TARGET_AGENT = "agent of the target"
    PERSON = "person"


ANY = "any"
"""A moment that no phase decides: seconds after the request was accepted."""
UNDO = "undo"
"""While the relocation goes back."""

CHOICES: Mapping[tuple[Victim, Deed], int] = {
    (Victim.WORKER, Deed.KILL): 8,
    (Victim.WORKER, Deed.FREEZE): 5,
    (Victim.WORKERS, Deed.KILL): 6,
    (Victim.WORKERS, Deed.FREEZE): 3,
    (Victim.API, Deed.KILL): 6,
    (Victim.API, Deed.FREEZE): 3,
    (Victim.CONTROL, Deed.KILL): 8,
    (Victim.CONTROL, Deed.FREEZE): 5,
    (Victim.GATEWAY_1, Deed.KILL): 4,
    (Victim.GATEWAY_2, Deed.KILL): 4,
    (Victim.GATEWAY_1, Deed.FREEZE): 3,
    (Victim.GATEWAY_2, Deed.FREEZE): 3,
    (Victim.SOURCE, Deed.KILL): 7,
    (Victim.SOURCE, Deed.FREEZE): 4,
    (Victim.TARGET, Deed.KILL): 9,
    (Victim.TARGET, Deed.FREEZE): 5,
    (Victim.SOURCE_AGENT, Deed.FREEZE): 3,
    (Victim.TARGET_AGENT, Deed.FREEZE): 3,
    (Victim.TEMPORAL, Deed.KILL): 5,
    (Victim.TEMPORAL, Deed.FREEZE): 5,
    (Victim.DATABASE, Deed.LOCK): 9,
    (Victim.PERSON, Deed.CANCEL): 7,
    (Victim.PERSON, Deed.HOLD): 6,
}
"""How often each is drawn. An agent is not killed: its instances die with it, which is the instances' own entry."""

MOMENTS: Mapping[str, tuple[int, float]] = {
    Phase.SELECT: (1, 0.1),
    Phase.DEPLOY: (2, 0.8),
    Phase.PREPARE: (3, 0.3),
    Phase.READY: (3, 0.8),
    Phase.SWITCH: (5, 1.2),
    Phase.BAKE: (4, 1.0),
    Phase.DRAIN: (4, 1.0),
    Phase.TEARDOWN: (5, 1.0),
    UNDO: (3, 1.0),
    ANY: (6, 8.0),
}
"""How often each is drawn, and how long the strike lingers at most; a phase may be over by then, and the next is hit."""

SECONDS: Mapping[Deed, tuple[float, float]] = {
    Deed.KILL: (0.0, 3.0),
    Deed.FREEZE: (0.2, 5.0),
    Deed.LOCK: (0.5, 10.0),
    Deed.CANCEL: (0.0, 0.0),
    Deed.HOLD: (0.5, 4.0),
}
"""Shortest and longest pause until it is mended."""
LONGEST_OF_A_WORKER = 12.0
"""A worker that is frozen for longer than a heartbeat's time-out (4 s) finds on its return that another one went on."""

HOW_MANY: Mapping[int, int] = {0: 2, 1: 5, 2: 3}
"""Strikes of one relocation, and how often."""

STEPS: Mapping[tuple[int, ...], int] = {(100,): 3, (50, 100): 2, (10, 50, 100): 1}


@dataclass(frozen=True)
class Strike:
    """One failure of one relocation."""

    victim: Victim
    deed: Deed
    moment: str
    """A phase, UNDO or ANY."""
    after_seconds: float
    """From the moment to the deed."""
    seconds: float
    """From the deed until it is mended."""
    chance: float
    """Settles what is left open: which of two workers, for example."""

    def __str__(self) -> str:
        """For people."""
        when = (
            f"{self.after_seconds:.2f} s into {self.moment}" if self.moment != ANY else f"at {self.after_seconds:.2f} s"
        )
        return f"{self.deed} {self.victim} {when}, for {self.seconds:.2f} s"


@dataclass(frozen=True)
class Plan:
    """One relocation, and what is done to it."""

    number: int
    steps: tuple[int, ...]
    """Weights of the target."""
    bake_seconds: float
    restarts: bool
    """Whether the target's agent starts an instance again that was killed."""
    strikes: tuple[Strike, ...]


def plans(seed: int, count: int) -> Sequence[Plan]:
    """The plans of a run; a longer run of the same seed begins with the same."""
    return [plan(seed, number) for number in range(count)]


def plan(seed: int, number: int) -> Plan:
    """The plan of one relocation; it depends on nothing but these two."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable is what is wanted
    steps = _drawn(dice, STEPS)
    bake = round(dice.uniform(0.5, 2.0), 2)
    restarts = dice.random() < 0.6
    strikes = tuple(_strike(dice) for _ in range(_drawn(dice, HOW_MANY)))
    return Plan(number, steps, bake, restarts, strikes)


def _strike(dice: random.Random) -> Strike:
    victim, deed = _drawn(dice, CHOICES)
    moment = _drawn(dice, {name: often for name, (often, _) in MOMENTS.items()})
    return Strike(
        victim,
        deed,
        str(moment),
        after_seconds=round(dice.uniform(0, MOMENTS[moment][1]), 2),
        seconds=round(dice.uniform(*_pauses(victim, deed)), 2),
        chance=round(dice.random(), 4),
    )


def _pauses(victim: Victim, deed: Deed) -> tuple[float, float]:
    shortest, longest = SECONDS[deed]
    return shortest, LONGEST_OF_A_WORKER if (victim, deed) == (Victim.WORKER, Deed.FREEZE) else longest


def _drawn(dice: random.Random, often: Mapping[T, int]) -> T:
    return dice.choices(list(often), weights=list(often.values()))[0]
