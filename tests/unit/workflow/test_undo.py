# SPDX-License-Identifier: Apache-2.0
"""The way back."""

import pytest

from relocate.model.relocation import Phase
from relocate.workflow.undo import Undo, UndoStack


class Steps:
    """Undos that write down that they were done, and fail on request."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.failing: set[str] = set()
        self.stack = UndoStack()

    def push(self, name: str, phase: Phase = Phase.DEPLOY) -> None:
        """Register one."""

        async def do() -> None:
            if name in self.failing:
                raise ConnectionError(name)
            self.done.append(name)

        self.stack.push(Undo(phase, name, do))

    async def undo_all(self) -> None:
        """As the runbook does."""
        while self.stack.last is not None:
            await self.stack.undo_last()


@pytest.fixture
def steps() -> Steps:
    """Three registered undos."""
    steps = Steps()
    for name in ("deploy", "prepare", "switch"):
        steps.push(name)
    return steps


async def test_the_last_step_is_undone_first(steps: Steps) -> None:
    """In reverse, each once, until nothing is left."""
    await steps.undo_all()
    assert steps.done == ["switch", "prepare", "deploy"]
    assert steps.stack.last is None


async def test_a_failed_undo_stays_and_nothing_below_it_is_touched(steps: Steps) -> None:
    """It can be tried again, and the rest follows then."""
    steps.failing.add("prepare")
    with pytest.raises(ConnectionError):
        await steps.undo_all()
    assert (steps.done, steps.stack.last and steps.stack.last.sentence) == (["switch"], "prepare")
    steps.failing.clear()
    await steps.undo_all()
    assert steps.done == ["switch", "prepare", "deploy"]


async def test_a_phase_is_undone_without_those_that_came_after_it(steps: Steps) -> None:
    """Where only one step has to go back, the others stay; one that fails stays as well."""
    steps.push("transfer", Phase.TRANSFER)
    steps.push("bake")
    steps.failing.add("transfer")
    with pytest.raises(ConnectionError):
        await steps.stack.undo(Phase.TRANSFER)
    assert steps.stack.has(Phase.TRANSFER)
    steps.failing.clear()
    await steps.stack.undo(Phase.TRANSFER)
    assert steps.done == ["transfer"]
    await steps.undo_all()
    assert steps.done == ["transfer", "bake", "switch", "prepare", "deploy"]


async def test_past_the_point_of_no_return_nothing_is_undone(steps: Steps) -> None:
    """What is forgotten is not done."""
    steps.stack.forget()
    await steps.undo_all()
    assert steps.done == []
