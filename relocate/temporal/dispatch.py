# SPDX-License-Identifier: Apache-2.0
"""The way in, on Temporal: kept first, started then; what was kept and not started, a sweeper starts."""

import asyncio
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Self

from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from relocate.activities.calls import Queue
from relocate.activities.orders import Start
from relocate.activities.selection import check_provable, decide
from relocate.activities.ways import stretches
from relocate.dispatch import CommandResult, DryRun
from relocate.errors import EngineUnavailable, InvalidRequest, RelocateError
from relocate.model.application import Application
from relocate.model.placement import Placement
from relocate.model.relocation import Actor, RelocationRequest, View
from relocate.parts import Parts
from relocate.phases.plan import sentences
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.relocations import Accepted, Asked, Pending
from relocate.temporal.connection import ANSWER, connect, registered
from relocate.temporal.failures import asking
from relocate.temporal.placing import PREFIX, Placing
from relocate.workflow.desk import Command, CommandOrder
from relocate.workflow.reasons import sentence_of
from relocate.workflow.relocation import Relocate
from steering.store.batches import Batches

HEARD_SECONDS = 1.0
"""How long Temporal counts as reachable after an answer. What is accepted in the second in which it goes away is kept, and
started by the sweeper when it is back."""
SETTLED_SECONDS = 3.0
"""The sweeper leaves younger relocations to the process that accepted them: it puts its starts on record once a second."""


class TemporalDispatch:
    """Keeps requests in the database and runs them in Temporal."""

    def __init__(self, client: Client, parts: Parts) -> None:
        """Args: client: may be lazy; parts: for checks and dry runs."""
        self._client = client
        self._parts = parts
        self._database: Database = parts.database
        self._registered: bool | None = None
        self._heard_at: float | None = None
        self._started: list[str] = []
        """Started, and not yet on record as started."""
        self._requests = Batches(self._database.relocations.accept_fitting)
        """What comes in while others are being accepted is accepted together."""
        self._queue = f"{parts.settings.task_queue}-{Queue.CHANGE}"
        self._placing = Placing(client, parts.database, self._queue)

    @classmethod
    async def open(cls, settings: Settings, database: Database) -> Self:
        """Serve whether or not Temporal is up."""
        return cls(await connect(lazy=True), Parts(settings, database))

    async def accept(self, request: RelocationRequest, *, key: str | None, actor: Actor) -> Accepted:
        """Check, keep and start a request; see `relocate.dispatch.Dispatch`."""
        relocations = self._database.relocations
        if not self._heard_lately and not await self.reachable():
            repeated = await asyncio.to_thread(relocations.repeated, request, key)
            if repeated is None:
                raise EngineUnavailable("Temporal cannot be reached; nothing was accepted")
            return repeated
        accepted = await self._requests.store(Asked(new_identity(), request, key, actor))
        if isinstance(accepted, RelocateError):
            raise accepted
        if accepted.application is not None:
            await self._start(Pending.of(accepted), accepted.application)
        return accepted

    async def dry_run(self, request: RelocationRequest) -> DryRun:
        """The plan and the ranking; nothing is changed.

        Raises:
            InvalidRequest: it would be refused; see `check_provable`.
        """
        application, placement = await asyncio.to_thread(self._database.placements.fitting, request)
        decision = await decide(self._parts, "dry-run", request, placement.cluster)
        target = decision.ranked[0].cluster if decision.ranked else None
        if target is not None:
            check_provable(await stretches(self._parts, application), application, request)
        return DryRun(
            source=placement.cluster,
            target=target,
            decision=decision,
            steps=tuple(sentences(placement.cluster, target, application, request.options)),
        )

    async def cancel(self, identity: str, actor: Actor) -> View:
        """A signal: Temporal keeps it even while no worker runs."""
        view = await asyncio.to_thread(self._database.relocations.unfinished, identity)
        async with asking(identity):
            handle = self._client.get_workflow_handle_for(Relocate.run, identity)
            await handle.signal(Relocate.cancel, actor, rpc_timeout=ANSWER)
        return view

    async def command(self, identity: str, name: str, actor: Actor, *, cluster: str | None = None) -> CommandResult:
        """An update with an id: the caller hears at once whether it was understood."""
        await asyncio.to_thread(self._database.relocations.unfinished, identity)
        try:
            order = CommandOrder(command=Command(name), actor=actor, cluster=cluster)
        except ValueError as error:
            raise InvalidRequest(f"command: must be one of {', '.join(Command)}", field="command") from error
        try:
            async with asking(identity):
                handle = self._client.get_workflow_handle_for(Relocate.run, identity)
                understood = await handle.execute_update(
                    Relocate.command, order, id=secrets.token_hex(8), rpc_timeout=ANSWER
                )
        except WorkflowUpdateFailedError as error:
            return CommandResult(accepted=False, sentence=sentence_of(error.cause or error))
        return CommandResult(accepted=True, sentence=understood)

    async def place(self, application: str, cluster: str, actor: Actor) -> Placement:  # noqa: ARG002 - part of the contract
        """Run the first placement and wait for it."""
        return await self._placing.place(f"{PREFIX}{new_identity()}", application, cluster)

    async def sweep(self) -> int:
        """Start what was accepted and not started, by a process that died or while Temporal was away."""
        await self._mark_started()
        await self._placing.sweep()
        started = 0
        settled = datetime.now(UTC) - timedelta(seconds=SETTLED_SECONDS)
        for pending in await asyncio.to_thread(self._database.relocations.not_started, settled):
            name = pending.request.application
            application = await asyncio.to_thread(self._database.catalogue.get, Application, name)
            await self._start(pending, application)
            started += 1
        return started

    async def reachable(self) -> bool:
        """Whether Temporal answers now."""
        try:
            healthy = await self._client.service_client.check_health(timeout=ANSWER)
        except (RPCError, RuntimeError):
            healthy = False
        self._heard_at = time.monotonic() if healthy else None
        return healthy

    @property
    def _heard_lately(self) -> bool:
        """Whether Temporal has just answered: then it need not be asked whether it does."""
        return self._heard_at is not None and time.monotonic() - self._heard_at <= HEARD_SECONDS

    async def _start(self, pending: Pending, application: Application) -> None:
        start = Start(
            relocation=pending.id,
            lease=pending.lease,
            request=pending.request,
            application=application,
            created_at=pending.created_at,
            searchable=await self._searchable(),
        )
        try:
            async with asking():
                await self._client.start_workflow(
                    Relocate.run,
                    start,
                    id=pending.id,
                    task_queue=self._queue,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    static_summary=f"{pending.request.application}: {pending.request.reason}"[:200],
                    rpc_timeout=ANSWER,
                )
        except WorkflowAlreadyStartedError:
            pass  # somebody else's attempt came through: it is started, which is all that was wanted
        except EngineUnavailable:
            self._heard_at = None
            return  # it is kept, and the sweeper starts it
        self._heard_at = time.monotonic()
        self._started.append(pending.id)

    async def _mark_started(self) -> None:
        """Put on record what was started since the last time. Who dies before leaves a start that changes nothing."""
        started, self._started = self._started, []
        try:
            if started:
                await asyncio.to_thread(self._database.relocations.started, *started)
        except BaseException:
            self._started += started
            raise

    async def _searchable(self) -> bool:
        """Whether all our search attributes are registered; asked until Temporal answers, then remembered."""
        if self._registered is None:
            try:
                self._registered = await registered(self._client)
            except (RPCError, RuntimeError):
                return False
        return self._registered


def new_identity() -> str:
    """A relocation's id: sorts by time, and cannot be guessed."""
    return f"rel-{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(4)}"


__all__ = ["TemporalDispatch", "new_identity"]
