# SPDX-License-Identifier: Apache-2.0
"""The way back: each step leaves its undo here before it is done, and the last one is undone first."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from relocate.model.relocation import Phase


@dataclass(frozen=True)
class Undo:
    """One step back. Doing it when its step was never done, or twice, changes nothing."""

    phase: Phase
    sentence: str
    do: Callable[[], Awaitable[None]]


class UndoStack:
    """Steps back, last one first. A step is taken off only when it has been undone, so a failed undo can be repeated."""

    def __init__(self) -> None:
        """Nothing to undo."""
        self._steps: list[Undo] = []

    def push(self, undo: Undo) -> None:
        """Register an undo, before its step is done."""
        self._steps.append(undo)

    def has(self, phase: Phase) -> bool:
        """Whether something of a phase is still to be undone."""
        return any(step.phase is phase for step in self._steps)

    @property
    def last(self) -> Undo | None:
        """What would be undone next."""
        return self._steps[-1] if self._steps else None

    async def undo_last(self) -> None:
        """Undo one step; it stays on the stack if that fails."""
        await self._steps[-1].do()
        self._steps.pop()

    async def undo(self, phase: Phase) -> None:
        """Undo what is registered of one phase, wherever it stands; it stays on the stack if that fails."""
        for step in [one for one in self._steps if one.phase is phase]:
            await step.do()
            self._steps.remove(step)

    def forget(self) -> None:
        """There is no way back any more."""
        self._steps.clear()
