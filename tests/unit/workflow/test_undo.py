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

    def push(self, name: str) -> None:
        """Register one."""

        async def do() -> None:
            if name in self.failing:
                raise ConnectionError(name)
            self.done.append(name)

        self.stack.push(Undo(Phase.DEPLOY, name, do))

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


async def test_past_the_point_of_no_return_nothing_is_undone(steps: Steps) -> None:
    """What is forgotten is not done."""
    steps.stack.forget()
    await steps.undo_all()
    assert steps.done == []
