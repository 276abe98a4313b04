# SPDX-License-Identifier: Apache-2.0
"""Every state that can be reached within the bounds, by executing again and again with other choices.

An execution goes on as if all were well, except at the places that its *path* names; each state it comes to is kept,
and so is each other choice there, to be executed later. Executions with fewer choices out of the ordinary come first:
the first violation that is found is among the shortest. An execution ends where it comes to a state that has been
seen with as much left of every bound.
"""

import gc
import itertools
from collections import deque
from dataclasses import dataclass, field

from tests.modelcheck.bounds import Bounds
from tests.modelcheck.broken import Broken
from tests.modelcheck.fingerprint import fingerprint
from tests.modelcheck.garbage import collected_by_hand
from tests.modelcheck.machine import Machine
from tests.modelcheck.stories import begun

Path = tuple[tuple[int, int], ...]
"""Choices out of the ordinary: (number of the moment, number of the option)."""
COLLECT = 500
"""Executions between two collections of what they left."""


@dataclass
class Violation:
    """A state that must not be, and how to come there."""

    path: Path
    broken: Broken
    trace: list[str]

    def __str__(self) -> str:
        steps = "\n".join(f"  {number}. {step}" for number, step in enumerate(self.trace, start=1))
        return f"{self.broken}\n{steps}\n  path: {self.path}"


@dataclass
class Found:
    """What a search came to."""

    bounds: Bounds
    states: int = 0
    transitions: int = 0
    executions: int = 0
    exhaustive: bool = False
    ends: dict[str, int] = field(default_factory=dict)
    """How often executions ended how."""
    violation: Violation | None = None


class Search:
    """One search."""

    def __init__(self, bounds: Bounds) -> None:
        """Args: bounds: how far it goes."""
        self.found = Found(bounds)
        self._seen: dict[int, list[tuple[int, ...]]] = {}
        """By the 64-bit hash of a state: what was left of the bounds when it was seen."""
        self._waiting: deque[Path] = deque([()])

    def run(self, most: int | None = None) -> Found:
        """Search until everything has been seen, a violation is found, or `most` executions have been made."""
        with collected_by_hand():
            while self._waiting and self.found.violation is None:
                if most is not None and self.found.executions >= most:
                    return self.found
                self._execute(self._waiting.popleft())
                if self.found.executions % COLLECT == 0:
                    gc.collect()
        self.found.exhaustive = self.found.violation is None
        return self.found

    def _execute(self, path: Path) -> None:
        self.found.executions += 1
        chosen, last = dict(path), path[-1][0] if path else -1
        machine = begun(self.found.bounds)
        try:
            for moment in range(last + 1):
                machine.take(machine.options()[chosen[moment]] if moment in chosen else machine.usual())
            for moment in itertools.count(last + 1):
                machine.check()
                if not self._is_new(machine):
                    return
                options = machine.options()
                if not options:
                    self._ended(machine)
                    return
                self.found.transitions += len(options)
                self._waiting.extend((*path, (moment, other)) for other in range(1, len(options)))
                machine.take(options[0])
        except Broken as broken:
            self.found.violation = Violation(path, broken, trace(self.found.bounds, path))

    def _is_new(self, machine: Machine) -> bool:
        state, left = hash(fingerprint(machine)), tuple(machine.budget)
        known = self._seen.setdefault(state, [])
        if any(all(a >= b for a, b in zip(seen, left, strict=True)) for seen in known):
            return False
        known.append(left)
        self.found.states += 1
        return True

    def _ended(self, machine: Machine) -> None:
        how = str(machine.outcome or machine.status)
        self.found.ends[how] = self.found.ends.get(how, 0) + 1


def trace(bounds: Bounds, path: Path) -> list[str]:
    """A path in words, to its violation: each choice out of the ordinary, and what the run was doing then."""
    chosen, machine, told = dict(path), begun(bounds), []
    for moment in itertools.count():
        try:
            machine.check()
            options = machine.options()
            if not options:
                break
            option = options[chosen.get(moment, 0)]
            if option.says:
                told.append(f"{option.says} (in {machine.doing})")
            machine.take(option)
        except Broken:
            break
    return told
