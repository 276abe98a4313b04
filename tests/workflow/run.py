# SPDX-License-Identifier: Apache-2.0
"""One relocation of a story: what people see of it, what they may say to it, and how its history replays."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.client import WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from relocate.attestation import collect
from relocate.dispatch import CommandResult
from relocate.evidence.invariants import why_not_kept
from relocate.evidence.rules import why_not_followed
from relocate.model.chain import broken_link
from relocate.model.evidence import Claim
from relocate.model.relocation import Actor, Phase, Status, StepState, View
from relocate.temporal.sandbox import sandbox
from relocate.workflow.emco import EmcoMigrate, EmcoRelocate, MigrateByQueue, RelocateByQueue
from relocate.workflow.placement import Place
from relocate.workflow.relocation import Relocate
from steering.model import Rung
from tests.workflow.service import Service

PATIENCE = 20.0
"""Longest wait for anything in a story, in seconds."""
OPERATOR = Actor(who="operator", why="the story says so")


class Run:
    """One relocation of a story."""

    def __init__(self, service: Service, identity: str) -> None:
        """Args: service: that runs it; identity: the relocation's id."""
        self.id = identity
        self._service = service
        self._seen = 0
        """The event of the view that was waited for last."""

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        """Temporal's handle."""
        return self._service.client.get_workflow_handle_for(Relocate.run, self.id)

    @property
    def view(self) -> View:
        """What people see."""
        return self._service.database.relocations.get(self.id)

    def step(self, phase: Phase) -> StepState:
        """Where a phase stands."""
        return next(step.state for step in self.view.steps if step.phase is phase)

    @property
    def claims(self) -> Sequence[Claim]:
        """The record, whose chain must be whole."""
        entries = self._service.database.evidence.of(self.id)
        assert broken_link(entries) is None
        return [entry.claim for entry in entries]

    @property
    def notes(self) -> str:
        """What was decided or commanded."""
        return "\n".join(claim.sentence for claim in self.claims if claim.rung == "note")

    @property
    def judged(self) -> Claim:
        """What was seen of B in the bake, and found."""
        watched = [one for one in self.claims if one.rung == Rung.WATCHED and one.phase is Phase.BAKE]
        return watched[-1]

    @property
    def said(self) -> Sequence[str]:
        """Every sentence of the view, in order."""
        events = self._service.database.relocations.events(self.id)
        return [event.data["sentence"] for event in events if event.kind == "view"]

    @property
    def undoing(self) -> Sequence[str]:
        """Sentences of the undo, in order."""
        events = self._service.database.relocations.events(self.id)
        views = [View.model_validate(event.data) for event in events if event.kind == "view"]
        told = [view.sentence for view in views if view.status is Status.UNDOING]
        return list(dict.fromkeys(told))

    @property
    def done(self) -> Sequence[str]:
        """Names of the phases that are done."""
        return [step.phase.name for step in self.view.steps if step.state is StepState.DONE]

    async def told_left(self, left: int) -> None:
        """Wait until it is told how many are left on A."""
        relocations = self._service.database.relocations
        await self.until(
            lambda _: any(e.kind == "left" and e.data["left"] == left for e in relocations.events(self.id))
        )

    async def settled(self) -> None:
        """Wait until an activity of the present phase is at work, so that a cancel meets it."""
        await eventually(self._works)

    async def handled_cancel(self) -> None:
        """Wait until the workflow has taken notice of Temporal's own cancel."""
        await eventually(self._noticed)

    async def _noticed(self) -> bool:
        asked = False
        async for event in self.handle.fetch_history_events():  # while a workflow task runs, the request is not in it
            asked = asked or event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
            if asked and event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                return True
        return False

    async def _works(self) -> bool:
        pending = (await self.handle.describe()).raw_description.pending_activities
        return any(
            one.activity_type.name != "watch" and one.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
            for one in pending
        )

    async def until(self, wanted: Callable[[View], bool]) -> View:
        """The first view that is as wanted, from the one on that was waited for last: none is missed, however short."""
        view = self.view

        async def seen() -> bool:
            nonlocal view
            for number, view in await asyncio.to_thread(self._views):
                self._seen = number
                if wanted(view):
                    return True
            return False

        try:
            await eventually(seen)
        except TimeoutError:
            raise AssertionError(f"not in {PATIENCE:g} s; it is: {view.status}, {view.sentence}") from None
        return view

    def _views(self) -> Sequence[tuple[int, View]]:
        events = self._service.database.relocations.events(self.id, after=self._seen - 1)
        return [(event.id, View.model_validate(event.data)) for event in events if event.kind == "view"]

    async def in_phase(self, phase: Phase) -> View:
        """The view once a phase runs."""
        return await self.until(lambda view: view.phase is phase and self._running(view, phase))

    async def asks(self, status: Status = Status.NEEDS_OPERATOR) -> View:
        """The view once the run waits for somebody."""
        return await self.until(lambda view: view.status is status)

    async def ended(self) -> View:
        """The view at the end, when the workflow is closed too."""
        view = await self.until(lambda view: view.status is Status.FINISHED)
        await eventually(self._closed)
        return view

    async def cancel(self) -> None:
        """Ask for the undo."""
        await self._service.dispatch.cancel(self.id, OPERATOR)

    async def command(self, name: str, cluster: str | None = None) -> CommandResult:
        """Give a command."""
        return await self._service.dispatch.command(self.id, name, OPERATOR, cluster=cluster)

    async def replay(self) -> None:
        """The workflow's code takes the same way again over the history that was just made."""
        await replayer().replay_workflow(await self.handle.fetch_history())

    def prove(self) -> None:
        """Whatever happened, the record follows from its samples, and shows that no invariant was broken."""
        record = collect(self._service.database, self.id)
        found = [str(one) for one in (*why_not_followed(record), *why_not_kept(record))]
        assert not found, "; ".join(found)

    async def terminate(self) -> None:
        """End it if it still runs."""
        if not await self._closed():
            await self.handle.terminate("the story is over")

    async def _closed(self) -> bool:
        return (await self.handle.describe()).close_time is not None

    @staticmethod
    def _running(view: View, phase: Phase) -> bool:
        return any(step.phase is phase and step.state is StepState.RUNNING for step in view.steps)


def replayer() -> Replayer:
    """As the worker: same workflows, same sandbox, same data converter."""
    return Replayer(
        workflows=[Relocate, Place, EmcoMigrate, EmcoRelocate, MigrateByQueue, RelocateByQueue],
        workflow_runner=sandbox(),
        data_converter=pydantic_data_converter,
    )


async def eventually(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it is so.

    Raises:
        TimeoutError: it was not, for `PATIENCE` seconds.
    """
    async with asyncio.timeout(PATIENCE):
        while not await is_so():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)
