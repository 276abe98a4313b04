# SPDX-License-Identifier: Apache-2.0
"""First placements: each is a workflow, for which the application's lease is held until it has ended."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError

from relocate.activities.orders import Start
from relocate.errors import InvalidRequest, NotRunning, TargetFailed
from relocate.model.application import Application
from relocate.model.cluster import Cluster
from relocate.model.placement import Placement
from relocate.model.relocation import RelocationRequest
from relocate.store.database import Database
from relocate.temporal.connection import ANSWER
from relocate.temporal.failures import asking
from relocate.workflow.placement import Place
from relocate.workflow.reasons import sentence_of

PREFIX = "place-"
"""Begins the name of a placement: so a lease says whose it is."""
PLACING = timedelta(minutes=10)
STARTS_WITHIN_SECONDS = 15.0
"""A placement that Temporal still does not know after this time was never started: who wanted it has died."""


class Placing:
    """Places applications that run nowhere."""

    def __init__(self, client: Client, database: Database, queue: str) -> None:
        """Args: client: may be lazy; database: the service's; queue: where the workflow runs."""
        self._client = client
        self._database = database
        self._queue = queue
        self._unknown_since: dict[str, float] = {}
        """Monotonic seconds, by placement that holds a lease and that Temporal does not know."""

    async def place(self, identity: str, application: str, cluster: str) -> Placement:
        """Run the placement `identity` and wait for it; see `relocate.dispatch.Dispatch`."""
        wanted = await asyncio.to_thread(self._database.catalogue.get, Application, application)
        await asyncio.to_thread(self._database.catalogue.get, Cluster, cluster)
        await self._refuse_placed(application)
        lease = await asyncio.to_thread(self._database.leases.take, application, identity)
        try:
            await self._run(identity, lease, wanted, cluster)
        finally:
            # Whoever stops waiting, for whatever reason, may leave a placement that goes on.
            await self._free(application, identity)
        placement = await asyncio.to_thread(self._database.placements.active, application)
        if placement is None:
            raise TargetFailed(f"{application} was placed on {cluster} and is not on record; see the worker's log")
        return placement

    async def sweep(self) -> None:
        """Give back the leases of placements that have ended, or were never started, and whose caller has died."""
        held = await asyncio.to_thread(self._database.leases.held, PREFIX)
        self._unknown_since = {name: since for name, since in self._unknown_since.items() if name in held.values()}
        for application, identity in held.items():
            await self._free(application, identity)

    async def _free(self, application: str, identity: str) -> None:
        if await self._has_ended(identity):
            await asyncio.to_thread(self._database.leases.give_back, application, identity)

    async def _has_ended(self, identity: str) -> bool:
        try:
            async with asking(identity):
                found = await self._client.get_workflow_handle(identity).describe(rpc_timeout=ANSWER)
        except NotRunning:
            since = self._unknown_since.setdefault(identity, time.monotonic())
            return time.monotonic() - since >= STARTS_WITHIN_SECONDS
        return found.status is not WorkflowExecutionStatus.RUNNING

    async def _refuse_placed(self, application: str) -> None:
        placement = await asyncio.to_thread(self._database.placements.active, application)
        if placement is not None:
            text = f"application: {application} is placed already, on {placement.cluster}"
            raise InvalidRequest(text, field="application")

    async def _run(self, identity: str, lease: int, application: Application, cluster: str) -> None:
        start = Start(
            relocation=identity,
            lease=lease,
            request=RelocationRequest(application=application.name, target=cluster, reason="first placement"),
            application=application,
            created_at=datetime.now(UTC),
        )
        try:
            async with asking():
                await self._client.execute_workflow(
                    Place.run, start, id=identity, task_queue=self._queue, execution_timeout=PLACING
                )
        except WorkflowFailureError as error:
            raise TargetFailed(sentence_of(error.cause or error)) from error
