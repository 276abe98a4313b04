# SPDX-License-Identifier: Apache-2.0
"""First placements and adoptions, and the way back of these: each is a workflow, for which the application's lease is held until it has ended."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError

from relocate.activities.orders import Ended, ReleaseStart, Start
from relocate.errors import InvalidRequest, TargetFailed
from relocate.model.application import Application
from relocate.model.placement import ADOPTED, Placement
from relocate.model.relocation import RelocationRequest
from relocate.store.database import Database
from relocate.store.leases import PLACING
from relocate.temporal.failures import asking
from relocate.temporal.looking import described
from relocate.workflow.adoption import Adopt, Release
from relocate.workflow.placement import Place
from relocate.workflow.reasons import sentence_of

PATIENCE = timedelta(minutes=10)
STARTS_WITHIN_SECONDS = 15.0
"""A placement that Temporal still does not know after this time was never started: who wanted it has died."""


class Placing:
    """Places applications that run nowhere, and adopts those that run already."""

    def __init__(self, client: Client, database: Database, queue: str) -> None:
        """Args: client: may be lazy; database: the service's; queue: where the workflow runs."""
        self._client = client
        self._database = database
        self._queue = queue
        self._unknown_since: dict[str, float] = {}
        """Monotonic seconds, by placement that holds a lease and that Temporal does not know."""

    def use(self, client: Client) -> None:
        """Ask Temporal through this client from now on."""
        self._client = client

    async def place(self, identity: str, application: str, cluster: str) -> Placement:
        """Run the placement `identity` and wait for it; see `relocate.dispatch.Dispatch`."""
        return await self._first(Place.run, "placed", identity, application, cluster)

    async def adopt(self, identity: str, application: str, cluster: str) -> Placement:
        """Run the adoption `identity` and wait for it; see `relocate.dispatch.Dispatch`."""
        return await self._first(Adopt.run, "adopted", identity, application, cluster)

    async def release(self, identity: str, application: str) -> Placement:
        """Run the way back of an adoption and wait for it; see `relocate.dispatch.Dispatch`."""
        wanted = await asyncio.to_thread(self._database.catalogue.get, Application, application)
        placed = await asyncio.to_thread(self._database.placements.of, application)
        if [one.created_by for one in placed] != [ADOPTED]:
            where = ", ".join(one.cluster for one in placed) or "nowhere"
            text = f"application: {application} runs {where}, and that was not adopted: nothing can be given back"
            raise InvalidRequest(text, field="application")
        (one,) = placed
        request = RelocationRequest(application=application, source=one.cluster, reason="is given back")
        begun = ReleaseStart(**dict(_start(identity, wanted, request)), instance=one.instance)
        await self._held(Release.run, begun)
        return one

    async def refuse_placed(self, application: str) -> None:
        """See that it runs nowhere yet.

        Raises:
            InvalidRequest: it does, as far as we know.
        """
        placement = await asyncio.to_thread(self._database.placements.active, application)
        if placement is not None:
            text = f"application: {application} is placed already, on {placement.cluster}"
            raise InvalidRequest(text, field="application")

    async def sweep(self) -> None:
        """Give back the leases of placements that have ended, or were never started, and whose caller has died."""
        held = await asyncio.to_thread(self._database.leases.held, PLACING)
        self._unknown_since = {name: since for name, since in self._unknown_since.items() if name in held.values()}
        for application, identity in held.items():
            await self._free(application, identity)

    async def _free(self, application: str, identity: str) -> None:
        if await self._has_ended(identity):
            await asyncio.to_thread(self._database.leases.give_back, application, identity)

    async def _has_ended(self, identity: str) -> bool:
        found = await described(self._client, identity)
        if found is None:
            since = self._unknown_since.setdefault(identity, time.monotonic())
            return time.monotonic() - since >= STARTS_WITHIN_SECONDS
        return found.status is not WorkflowExecutionStatus.RUNNING

    async def _first(
        self, run: Callable[..., Awaitable[Ended]], how: str, identity: str, application: str, cluster: str
    ) -> Placement:
        wanted = await asyncio.to_thread(self._database.catalogue.get, Application, application)
        await asyncio.to_thread(self._database.catalogue.cluster_for, wanted, cluster)
        await self.refuse_placed(application)
        request = RelocationRequest(application=application, target=cluster, reason=f"is {how}")
        await self._held(run, _start(identity, wanted, request))
        placement = await asyncio.to_thread(self._database.placements.active, application)
        if placement is None:
            raise TargetFailed(f"{application} was {how} on {cluster} and is not on record; see the worker's log")
        return placement

    async def _held(self, run: Callable[..., Awaitable[Ended]], start: Start) -> None:
        """Run it under the application's lease."""
        application, identity = start.application.name, start.relocation
        lease = await asyncio.to_thread(self._database.leases.take, application, identity)
        leased = start.model_copy(update={"lease": lease})
        try:
            async with asking():
                await self._client.execute_workflow(
                    run, leased, id=identity, task_queue=self._queue, execution_timeout=PATIENCE
                )
        except WorkflowFailureError as error:
            raise TargetFailed(sentence_of(error.cause or error)) from error
        finally:
            # Whoever stops waiting, for whatever reason, may leave something that goes on.
            await self._free(application, identity)


def _start(identity: str, application: Application, request: RelocationRequest) -> Start:
    """Before it has a lease."""
    return Start(relocation=identity, lease=0, request=request, application=application, created_at=datetime.now(UTC))
