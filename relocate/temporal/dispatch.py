# SPDX-License-Identifier: Apache-2.0
"""The way in, on Temporal: kept first, started then; what was kept and not started, a sweeper starts."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Self

import structlog
from temporalio.client import (
    Client,
    Interceptor,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from relocate.activities.adopting import examine
from relocate.activities.calls import Queue
from relocate.activities.instances import preflight
from relocate.activities.orders import Start
from relocate.activities.selection import check_provable, decide, why_not_written
from relocate.activities.ways import stretches
from relocate.clusters.contract import Plan
from relocate.dispatch import Adoption, CommandResult, DryRun
from relocate.errors import EngineUnavailable, InvalidRequest, NotRunning, RelocateError
from relocate.model.application import Application
from relocate.model.placement import Placement
from relocate.model.relocation import Actor, RelocationRequest, View, relocation_id
from relocate.parts import Parts
from relocate.phases.plan import sentences
from relocate.settings import Settings
from relocate.store.acceptance import Accepted, Asked, Pending
from relocate.store.database import Database
from relocate.store.leases import PLACING
from relocate.temporal.connection import ANSWER, Connection, reachable, registered
from relocate.temporal.failures import asking
from relocate.temporal.placing import Placing
from relocate.temporal.recovering import Recovering
from relocate.temporal.workflows import TemporalWorkflows
from relocate.tracing import trace_id
from relocate.workflow.desk import Command, CommandOrder
from relocate.workflow.journal import note
from relocate.workflow.reasons import sentence_of
from relocate.workflow.relocation import Relocate
from steering.store.batches import Batches

_log = structlog.get_logger(__name__)

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
        self._requests = Batches(self._database.acceptance.accept_fitting)
        """What comes in while others are being accepted is accepted together."""
        self._queue = f"{parts.settings.task_queue}-{Queue.CHANGE}"
        self._placing = Placing(client, parts.database, self._queue)
        self._recovering = Recovering(client, parts.database)
        self.workflows = TemporalWorkflows(client)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        database: Database,
        runtime: Runtime | None = None,
        interceptors: Sequence[Interceptor] = (),
    ) -> AsyncIterator[Self]:
        """Serve whether or not Temporal is up. Runtime, interceptors, errors: see `Connection`."""
        connection = Connection(settings, runtime, interceptors)
        dispatch = cls(await connection.open(lazy=True), Parts(settings, database))
        async with connection.followed(dispatch.use):
            yield dispatch

    def use(self, client: Client) -> None:
        """Ask Temporal through this client from now on."""
        self._client = client
        self._placing.use(client)
        self._recovering.use(client)
        self.workflows.use(client)

    async def accept(self, request: RelocationRequest, *, key: str | None, actor: Actor) -> Accepted:
        """Check, keep and start a request; see `relocate.dispatch.Dispatch`."""
        acceptance = self._database.acceptance
        if not self._heard_lately and not await self.reachable():
            repeated = await asyncio.to_thread(acceptance.repeated, request, key)
            if repeated is None:
                raise EngineUnavailable("Temporal cannot be reached; nothing was accepted")
            return repeated
        accepted = await self._requests.store(Asked(new_identity(), request, key, actor, trace_id()))
        if isinstance(accepted, RelocateError):
            raise accepted
        if not accepted.repeated:
            _log.info("accepted", relocation=accepted.view.id, application=request.application, by=actor.who)
        if accepted.application is not None:
            await self._start(Pending.of(accepted), accepted.application)
        return accepted

    async def dry_run(self, request: RelocationRequest) -> DryRun:
        """The plan, the ranking, and what the target's cluster says to it; nothing is changed.

        Raises:
            InvalidRequest: it would be refused; see `check_provable`.
        """
        application, placement = await asyncio.to_thread(self._database.placements.fitting, request)
        decision = await decide(self._parts, "dry-run", request, placement.cluster)
        target = decision.ranked[0].cluster if decision.ranked else None
        deploy = Plan()
        unwritten: Sequence[str] = ()
        if target is not None:
            found = await stretches(self._parts, application)
            check_provable(found, application, request)
            deploy = await preflight(self._parts, application, target)
            unwritten = await why_not_written(found)
        return DryRun(
            source=placement.cluster,
            target=target,
            decision=decision,
            steps=tuple(sentences(placement.cluster, target, application, request.options)),
            makes=deploy.parts,
            problems=(*deploy.problems, *unwritten),
        )

    async def cancel(self, identity: str, actor: Actor) -> View:
        """A signal: Temporal keeps it even while no worker runs."""
        view = await asyncio.to_thread(self._database.relocations.unfinished, identity)
        async with asking(identity):
            handle = self._client.get_workflow_handle_for(Relocate.run, identity)
            await handle.signal(Relocate.cancel, actor, rpc_timeout=ANSWER)
        _log.info("a cancel was asked for", relocation=identity, by=actor.who, why=actor.why)
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
        except NotRunning:
            if order.command is not Command.ABANDON:
                raise
            return await self._abandon_lost(identity, order)
        except WorkflowUpdateFailedError as error:
            refused = sentence_of(error.cause or error)
            _log.info("a command was refused", relocation=identity, command=name, by=actor.who, reason=refused)
            return CommandResult(accepted=False, sentence=refused)
        _log.info("a command was taken", relocation=identity, command=name, by=actor.who, why=actor.why)
        return CommandResult(accepted=True, sentence=understood)

    async def _abandon_lost(self, identity: str, order: CommandOrder) -> CommandResult:
        """Temporal was lost and came back empty, or somebody terminated the run there: nobody else can end it."""
        sentence = f"Temporal does not run it any more; abandoned by {order.actor.who}, and nothing more is done."
        claim = note(None, sentence, order.samples)
        await asyncio.to_thread(self._database.relocations.end_lost, identity, sentence, claim)
        _log.warning("ended what Temporal has lost", relocation=identity, by=order.actor.who, why=order.actor.why)
        return CommandResult(accepted=True, sentence=sentence)

    async def place(self, application: str, cluster: str, actor: Actor) -> Placement:  # noqa: ARG002 - part of the contract
        """Run the first placement and wait for it."""
        return await self._placing.place(f"{PLACING}{new_identity()}", application, cluster)

    async def adoption(self, application: str, cluster: str) -> Adoption:
        """A look at the cluster and at the gateways."""
        catalogue = self._database.catalogue
        wanted = await asyncio.to_thread(catalogue.get, Application, application)
        await asyncio.to_thread(catalogue.cluster_for, wanted, cluster)
        await self._placing.refuse_placed(application)
        return await examine(self._parts, wanted, cluster)

    async def adopt(self, application: str, cluster: str, actor: Actor) -> Placement:
        """Look once more, run the adoption and wait for it."""
        seen = await self.adoption(application, cluster)
        if seen.problems:
            text = f"application: {application} cannot be adopted as it is: {'; '.join(seen.problems)}"
            raise InvalidRequest(text, field="application")
        _log.info("is to be adopted", application=application, cluster=cluster, by=actor.who)
        return await self._placing.adopt(f"{PLACING}{new_identity()}", application, cluster)

    async def release(self, application: str, actor: Actor) -> Placement:
        """Run the way back and wait for it."""
        _log.info("is to be released", application=application, by=actor.who)
        return await self._placing.release(f"{PLACING}{new_identity()}", application)

    async def sweep(self) -> int:
        """Start what was accepted and not started, by a process that died or while Temporal was away."""
        await self._mark_started()
        await self._placing.sweep()
        started = 0
        settled = datetime.now(UTC) - timedelta(seconds=SETTLED_SECONDS)
        for pending in await asyncio.to_thread(self._database.acceptance.not_started, settled):
            if pending.parent is not None:
                await self._recovering.unbegun(pending)
                continue
            name = pending.request.application
            application = await asyncio.to_thread(self._database.catalogue.get, Application, name)
            await self._start(pending, application)
            _log.info("started what had been accepted", relocation=pending.id, application=name)
            started += 1
        await self._recovering.sweep()
        return started

    async def reachable(self) -> bool:
        """Whether Temporal answers now."""
        healthy = await reachable(self._client)
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
        except EngineUnavailable as error:
            self._heard_at = None
            _log.warning("it is started when Temporal is back", relocation=pending.id, reason=str(error))
            return  # it is kept, and the sweeper starts it
        self._heard_at = time.monotonic()
        self._started.append(pending.id)

    async def _mark_started(self) -> None:
        """Put on record what was started since the last time. Who dies before leaves a start that changes nothing."""
        started, self._started = self._started, []
        try:
            if started:
                await asyncio.to_thread(self._database.acceptance.started, *started)
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
    """Of a relocation that is accepted now."""
    return relocation_id(datetime.now(UTC), secrets.randbits(32))


__all__ = ["TemporalDispatch", "new_identity"]
