# SPDX-License-Identifier: Apache-2.0
"""What the workflow tells the world: the view, kept in the database at every change, so that no worker is needed to read it.

What was told rides with the next order, and the activity that takes the order keeps it first: so it costs no round trip
of its own. It goes with every order until one of them has come back. Only where no order follows for long (people are
waited for, or the run ends) it is kept by a local activity.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from temporalio import workflow

from relocate.activities import calls
from relocate.activities.orders import RecordOrder, Start
from relocate.evidence.samples import Raw
from relocate.model.evidence import Claim
from relocate.model.relocation import Outcome, Phase, Status, Step, StepState, View
from relocate.model.told import Told
from relocate.targets.contract import Decision
from relocate.workflow import meter
from relocate.workflow.followed import Follower
from relocate.workflow.visibility import Searchable


class Silence:
    """A journal for runs that have no view: a first placement answers its caller instead."""

    def say(self, sentence: str, **changes: Any) -> None:
        """Nobody listens."""

    def hand_out(self) -> Sequence[Told]:
        """Nothing was told."""
        return ()

    def kept(self, told: Sequence[Told]) -> None:
        """Nothing waits to be kept."""


class Journal:
    """Keeps the view in step with the workflow, one change after the other."""

    def __init__(self, start: Start) -> None:
        """Args: start: what the relocation started with."""
        self._told: list[Told] = []
        """Not known to be kept, oldest first."""
        self._task_queue = start.task_queue
        self._searchable = Searchable() if start.searchable else None
        self._follower = Follower() if start.followed else None
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

    def tell(self, *claims: Claim, decision: Decision | None = None, **changes: Any) -> None:
        """Change fields of the view, and have it kept with `claims`."""
        self._say(self.view.changed(**changes), claims, decision)

    def hand_out(self) -> Sequence[Told]:
        """What whoever is ordered something next has to keep first."""
        if self._searchable is not None:
            self._searchable.show(self.view)
        return tuple(self._told)

    def kept(self, told: Sequence[Told]) -> None:
        """An order that brought this along has come back."""
        revision = told[-1].view.revision if told else 0
        self._told = [one for one in self._told if one.view.revision > revision]

    async def keep(self) -> None:
        """Have everything kept now, by a local activity where the database is near; returns when it is."""
        told = tuple(self.hand_out())
        order, timeout, retry = RecordOrder(told=told), calls.RECORD.attempt, calls.RECORD.retry
        if self._task_queue is None:
            await workflow.execute_local_activity(
                calls.RECORD.name, order, start_to_close_timeout=timeout, retry_policy=retry
            )
        else:
            queue = self._task_queue
            await workflow.execute_activity(
                calls.RECORD.name, order, task_queue=queue, start_to_close_timeout=timeout, retry_policy=retry
            )
        self.kept(told)

    def enter(self, phase: Phase, sentence: str, **changes: Any) -> None:
        """A phase begins."""
        if self._follower is not None:
            self._follower.hears(phase)
        steps = self._with(
            phase, state=StepState.RUNNING, sentence=sentence, started_at=workflow.now(), finished_at=None
        )
        self.tell(status=Status.RUNNING, phase=phase, sentence=sentence, steps=steps, **changes)

    def say(self, sentence: str, **changes: Any) -> None:
        """What happens now; a phase that is running says it too, one that has ended keeps how it ended."""
        running = self._running()
        if running is not None:
            changes["steps"] = self._with(running, sentence=sentence)
        self.tell(sentence=sentence, **changes)

    def skip(self, phase: Phase, sentence: str) -> None:
        """A phase is left out; the record says why, so that nobody takes it for a proof."""
        said = note(phase, sentence)
        self.tell(said, sentence=sentence, steps=self._with(phase, state=StepState.SKIPPED, sentence=sentence))

    def leave(self, phase: Phase, state: StepState, sentence: str, **changes: Any) -> None:
        """A phase has ended."""
        if state is not StepState.UNDONE:
            meter.phase_ended(phase, state, self.started_at(phase))
        steps = self._with(phase, state=state, sentence=sentence, finished_at=workflow.now())
        self.tell(sentence=sentence, steps=steps, **changes)

    def fail(self, sentence: str) -> None:
        """The phase that runs now, if one does, does not end well."""
        running = self._running()
        if running is not None:
            self.leave(running, StepState.FAILED, sentence)

    async def finish(self, outcome: Outcome, sentence: str, *claims: Claim) -> None:
        """The relocation has ended; its lease is given back with the last view."""
        meter.cut(self.view.cut)
        self._say(self.view.ended(outcome, sentence, workflow.now()), claims)
        await self.keep()

    def started_at(self, phase: Phase) -> datetime | None:
        """When a phase began."""
        return next(step.started_at for step in self.view.steps if step.phase is phase)

    def _say(self, view: View, claims: tuple[Claim, ...], decision: Decision | None = None) -> None:
        self.view = view
        chosen = None if decision is None else decision.model_dump(mode="json")
        self._told.append(Told(view=view, claims=claims, decision=chosen))

    def _running(self) -> Phase | None:
        return next((step.phase for step in self.view.steps if step.state is StepState.RUNNING), None)

    def _with(self, phase: Phase, **changes: Any) -> tuple[Step, ...]:
        return tuple(step.model_copy(update=changes) if step.phase is phase else step for step in self.view.steps)


def note(phase: Phase | None, sentence: str, samples: Raw | None = None) -> Claim:
    """What somebody decided or commanded, for the record."""
    return Claim(rung="note", phase=phase, sentence=sentence, detail=samples.detail() if samples is not None else {})
