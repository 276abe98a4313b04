# SPDX-License-Identifier: Apache-2.0
"""Many applications on clusters in memory, behind gateways in memory that listen; real workers in this process move them.

What a relocation costs here is the engine, our decisions and our records: nothing is started, and nobody is far away.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any

from temporalio.service import RPCError

from api.sweeper import SWEEP_PERIOD, sweep
from relocate.clusters.contract import Workload
from relocate.clusters.memory import MemoryDriver
from relocate.errors import NotRunning
from relocate.model.application import Application, Route
from relocate.model.cluster import Cluster, Gateway
from relocate.model.placement import Placement
from relocate.model.relocation import Actor, Outcome, RelocationRequest, View
from relocate.phases import documents
from relocate.temporal.failures import asking
from relocate.workflow.relocation import Relocate
from steering.adapters.memory import MemoryGateway, MemorySettings
from steering.model import Backend, Fence
from tests.workflow.data_plane import DataPlane, ListeningAdapter
from tests.workflow.service import Service
from tests.workflow.world import FAST

WATCH_SECONDS, PROBES_PER_SECOND = 0.5, 100
"""Between two requests of a prober through one gateway instance, at least; and how many all applications' probers send
together, at most: what is measured is the engine, not the prober and a data plane in Python."""
ROUTE_GATEWAYS = 25
"""Gateways of one route; an application with more of them has more routes."""
ACTOR = Actor(who="bench", why="it is measured")
PATIENT = {"min_samples": 1, "max_p99_slack_seconds": 60.0}
"""One process is client, gateway, application and workers here: what its latencies say of B is noise."""

_numbers = count(1)


class Fleet:
    """Applications that all begin on the first of some clusters."""

    def __init__(self, service: Service, *, applications: int = 1, gateways: int = 1, clusters: int = 2) -> None:
        """Args: service: whose workers move them; applications, gateways, clusters: how many of each."""
        number = next(_numbers)
        self._service = service
        self.applications = [f"fleet-{number}-{one}" for one in range(applications)]
        self.clusters = [f"mec-{number}-{one}" for one in range(clusters)]
        self._gateways = [f"edge-{number}-{one}" for one in range(gateways)]
        self._planes: list[DataPlane] = []
        self._watch_seconds = max(WATCH_SECONDS, applications / PROBES_PER_SECOND)

    async def begin(self) -> None:
        """Configure everything, and place every application as its first placement leaves it."""
        catalogue = self._service.database.catalogue
        for name in self.clusters:
            catalogue.put(Cluster(name=name, driver="memory", cpu_millicores=4000, memory_mib=4096))
        for name in self._gateways:
            plane = DataPlane(MemoryGateway.named(name, MemorySettings(instances=(f"{name}-1",))))
            await plane.start()
            self._planes.append(plane)
            self._service.parts.brought[name] = ListeningAdapter(plane)
            catalogue.put(Gateway(name=name, adapter="memory"))
        for name in self.applications:
            catalogue.put(self._application(name))
            await self._place(self._application(name))

    async def end(self) -> None:
        """Stop listening."""
        for plane in self._planes:
            plane.stop()

    async def move_all(self, *, at_most: float = 600.0) -> tuple[float, Sequence[View]]:
        """Move every application at once to the cluster it is not on.

        Args:
            at_most: seconds; relocations that have not ended by then are terminated.

        Returns:
            Seconds until the last one ended, or `at_most`; and the views of those that ended.

        Raises:
            RuntimeError: one did not complete; the text says how it ended.
        """
        began = time.perf_counter()
        moves = [asyncio.create_task(self.move(name)) for name in self.applications]
        done, late = await asyncio.wait(moves, timeout=at_most)
        seconds = time.perf_counter() - began
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            await self._terminate()
        return seconds, [task.result() for task in done]

    async def move(self, application: str, **fields: Any) -> View:
        """Move one application to the other of the first two clusters, or to where `fields` say.

        Raises:
            RuntimeError: it did not complete; the text says how it ended.
        """
        placed = self._service.database.placements.active(application)
        target = self.clusters[1] if placed is not None and placed.cluster == self.clusters[0] else self.clusters[0]
        body = {"application": application, "options": {"judging": PATIENT}, **(fields or {"target": target})}
        accepted = await self._service.dispatch.accept(RelocationRequest.model_validate(body), key=None, actor=ACTOR)
        await self._ended(accepted.view.id)
        view = await asyncio.to_thread(self._service.database.relocations.get, accepted.view.id)
        if view.outcome is not Outcome.COMPLETED:
            raise RuntimeError(f"a relocation did not complete: {view.sentence}")
        return view

    async def _ended(self, identity: str) -> None:
        """Wait for the end, and for the beginning too: of a thousand at once Temporal does not take each at once."""
        while True:
            try:
                async with asking(identity):
                    await self._service.client.get_workflow_handle_for(Relocate.run, identity).result()
            except NotRunning:
                await asyncio.sleep(SWEEP_PERIOD)
            else:
                return

    async def _terminate(self) -> None:
        for name in self.applications:
            holder = self._service.database.leases.holder(name)
            if holder is not None:
                with suppress(RPCError):  # it has just ended
                    await self._service.client.get_workflow_handle(holder).terminate("the measurement is over")

    def _application(self, name: str) -> Application:
        return Application.model_validate(
            {
                "name": name,
                "workloads": {"memory": {}},
                "routes": [self._route(name, number) for number in range(0, len(self._gateways), ROUTE_GATEWAYS)],
                "readiness": {
                    "probes": [
                        {"kind": "memory", "via": "direct"},
                        {"kind": "http", "via": "gateways", "settings": {"path": "/healthz"}},
                    ],
                    "period_seconds": 0.1,
                    "timeout_seconds": 5,
                    "stable_seconds": 0.1,
                    "deadline_seconds": 600,
                },
                "policy": FAST,
            }
        )

    def _route(self, application: str, first: int) -> dict[str, Any]:
        name = f"{application}-{first}"
        return {
            "name": name,
            "hosts": [f"{name}.test"],
            "gateways": self._gateways[first : first + ROUTE_GATEWAYS],
            "ports": [{"name": "http"}],
            "watch": {"period_seconds": self._watch_seconds, "timeout_seconds": 20},
        }

    async def _place(self, application: Application) -> None:
        cluster, instance = self.clusters[0], f"{application.name}-first"
        driver = MemoryDriver.open(cluster, {})
        workload = Workload(application=application.name, instance=instance, ports=("http",), settings={})
        await driver.deploy(workload, Fence(lease=0, sequence=1))
        endpoints = (await driver.observe(application.name, instance)).endpoints
        backend = Backend(name=cluster, instance=instance, endpoints=endpoints)
        for route in application.routes:
            await self._point(application, route, backend)
        placement = Placement(
            application=application.name,
            cluster=cluster,
            instance=instance,
            active=True,
            created_by="bench",
            created_at=datetime.now(UTC),
        )
        self._service.database.placements.put(placement)

    async def _point(self, application: Application, route: Route, backend: Backend) -> None:
        document = documents.document(application.name, route, documents.only(backend), "placed")
        for gateway in route.gateways:
            adapter = await self._service.parts.adapter(gateway)
            await adapter.apply(document, fence=Fence(lease=0, sequence=1), base=None)


@asynccontextmanager
async def fleet(
    service: Service, *, applications: int = 1, gateways: int = 1, clusters: int = 2
) -> AsyncIterator[Fleet]:
    """A fleet that stands ready while the block lasts."""
    made = Fleet(service, applications=applications, gateways=gateways, clusters=clusters)
    sweeper = asyncio.create_task(sweep(service.dispatch))
    try:
        await made.begin()
        yield made
    finally:
        sweeper.cancel()
        await made.end()
