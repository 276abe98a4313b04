# SPDX-License-Identifier: Apache-2.0
"""What the workflow tells the world: the view, kept in the database at every change, so that no worker is needed to read it."""

import asyncio
from datetime import datetime
from typing import Any

from temporalio import workflow

from relocate.activities import calls
from relocate.activities.orders import RecordOrder, Start
from relocate.model.evidence import Claim
from relocate.model.relocation import Outcome, Phase, Status, Step, StepState, View
from relocate.targets.contract import Decision
from relocate.workflow.visibility import attributes


class Silence:
    """A journal for runs that have no view: a first placement answers its caller instead."""

    async def say(self, sentence: str, **changes: Any) -> None:
        """Nobody listens."""


class Journal:
    """Keeps the view in step with the workflow, one write after the other."""

    def __init__(self, start: Start) -> None:
        """Args: start: what the relocation started with."""
        self._lock = asyncio.Lock()
        self._searchable = start.searchable
        self.view = View(
            id=start.relocation,
            application=start.application.name,
            status=Status.ACCEPTED,
            request=start.request,
            source=start.request.source,
            target=start.request.target,
            steps=tuple(Step(phase=phase) for phase in Phase),
            created_at=start.created_at,
        )

    async def write(self, *claims: Claim, decision: Decision | None = None, **changes: Any) -> None:
        """Change fields of the view, and keep it with `claims`."""
        self.view = self.view.model_copy(update=changes)
        if self._searchable and changes.keys() & {"status", "phase", "outcome", "source", "target"}:
            workflow.upsert_search_attributes([pair.key.value_set(pair.value) for pair in attributes(self.view)])
        async with self._lock:
            order = RecordOrder(view=self.view, claims=claims, decision=decision)
            await workflow.execute_local_activity(
                calls.RECORD.name,
                order,
                start_to_close_timeout=calls.RECORD.attempt,
                retry_policy=calls.RECORD.retry,
            )

    async def enter(self, phase: Phase, sentence: str) -> None:
        """A phase begins."""
        steps = self._with(
            phase, state=StepState.RUNNING, sentence=sentence, started_at=workflow.now(), finished_at=None
        )
        await self.write(status=Status.RUNNING, phase=phase, sentence=sentence, steps=steps)

    async def say(self, sentence: str, **changes: Any) -> None:
        """What happens now; a phase that is running says it too, one that has ended keeps how it ended."""
        running = self._running()
        if running is not None:
            changes["steps"] = self._with(running, sentence=sentence)
        await self.write(sentence=sentence, **changes)

    async def leave(self, phase: Phase, state: StepState, sentence: str) -> None:
        """A phase has ended."""
        await self.write(
            sentence=sentence, steps=self._with(phase, state=state, sentence=sentence, finished_at=workflow.now())
        )

    async def fail(self, sentence: str) -> None:
        """The phase that runs now, if one does, does not end well."""
        running = self._running()
        if running is not None:
            await self.leave(running, StepState.FAILED, sentence)

    async def finish(self, outcome: Outcome, sentence: str, *claims: Claim) -> None:
        """The relocation has ended; its lease is given back."""
        steps = tuple(
            step.model_copy(update={"state": StepState.SKIPPED}) if step.state is StepState.PENDING else step
            for step in self.view.steps
        )
        await self.write(
            *claims,
            status=Status.FINISHED,
            outcome=outcome,
            sentence=sentence,
            steps=steps,
            next_step="",
            finished_at=workflow.now(),
        )

    def started_at(self, phase: Phase) -> datetime | None:
        """When a phase began."""
        return next(step.started_at for step in self.view.steps if step.phase is phase)

    def _running(self) -> Phase | None:
        return next((step.phase for step in self.view.steps if step.state is StepState.RUNNING), None)

    def _with(self, phase: Phase, **changes: Any) -> tuple[Step, ...]:
        return tuple(step.model_copy(update=changes) if step.phase is phase else step for step in self.view.steps)
