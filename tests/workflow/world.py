# SPDX-License-Identifier: Apache-2.0
"""One story's world: an application on three clusters in memory, behind a gateway in memory, moved by real workers."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from relocate.clusters.contract import Workload
from relocate.clusters.memory import MemoryCluster, MemoryDriver
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.model.placement import Placement
from relocate.model.relocation import RelocationRequest, View
from relocate.phases import documents
from relocate.temporal.dispatch import new_identity
from steering.adapters.memory import MemoryGateway, MemorySettings
from steering.model import Backend, Fence, RouteDocument
from steering.store.engine import writing
from tests.workflow.data_plane import DataPlane, ListeningAdapter
from tests.workflow.run import OPERATOR, Run
from tests.workflow.service import Service

INSTANCES = ("edge-1", "edge-2")
PROVIDER = "edge-provider"
"""Of every cluster, in EMCO."""

JUDGING: Mapping[str, Any] = {"min_samples": 1, "max_p99_slack_seconds": 10}
"""What a busy machine does to latencies is not judged."""

FAST: Mapping[str, Any] = {
    "bake_seconds": 0,
    "hold_seconds": 0,
    "probes_per_instance": 3,
    "judging": JUDGING,
    "drain": {"window_seconds": 0, "deadline_seconds": 10},
}
"""A policy whose windows are empty: what a story waits for is then what happens, not time."""

READINESS: Mapping[str, Any] = {"period_seconds": 0.02, "timeout_seconds": 0.5, "stable_seconds": 0.02}
"""A gate that has to hold for one round more than its first."""

_numbers = itertools.count(1)


def without_routes(application: Application, **policy: Any) -> Application:
    """The same application, whose users nobody steers; ready when its memory probe says so, asked directly."""
    return Application.model_validate(
        {
            **application.model_dump(exclude={"routes", "readiness", "policy"}),
            "ports": ["http"],
            "readiness": {"probes": [{"kind": "memory", "via": "direct"}], **READINESS},
            "policy": {**FAST, "drain": {**FAST["drain"], "deadline_seconds": 0.2}, **policy},
        }
    )


class World:
    """The application `app` is placed on cluster `a`; `b` and `c` are free."""

    def __init__(self, service: Service) -> None:
        """Args: service: shared by all stories of a session; every name here is this story's own."""
        number = next(_numbers)
        self.service = service
        self.app, self.gateway_name = f"app-{number}", f"edge-{number}"
        self.a, self.b, self.c = (f"mec-{letter}-{number}" for letter in "abc")
        self.gateway = MemoryGateway.named(self.gateway_name, MemorySettings(instances=INSTANCES))
        self.data_plane = DataPlane(self.gateway)
        self.adapter = ListeningAdapter(self.data_plane)
        self.readiness: Mapping[str, Any] = READINESS
        self.runs: list[Run] = []
        service.parts.brought[self.gateway_name] = self.adapter

    async def begin(self) -> None:
        """Configure everything, placed on `a`."""
        await self.begin_unplaced()
        await self._place(self.a)

    async def begin_unplaced(self) -> None:
        """Configure everything."""
        await self.data_plane.start()
        catalogue = self.service.database.catalogue
        for name in (self.a, self.b, self.c):
            known = {"emco-provider": PROVIDER}
            catalogue.put(Cluster(name=name, driver="memory", cpu_millicores=4000, memory_mib=4096, labels=known))
        catalogue.put(Gateway(name=self.gateway_name, adapter="memory"))
        catalogue.put(self.application())

    def give(self, cluster: str, project: str) -> None:
        """From now on a cluster is another project's, and not shared."""
        catalogue = self.service.database.catalogue
        catalogue.put(catalogue.get(Cluster, cluster).model_copy(update={"project": project}))

    async def place(self, cluster: str) -> Placement:
        """Have the first placement made by its workflow.

        Its gate asks directly only, where a memory instance does not listen; so less is asked of the application.
        """
        application = self.application()
        memory = application.readiness.model_copy(update={"probes": application.readiness.probes[:1]})
        self.service.database.catalogue.put(application.model_copy(update={"readiness": memory}))
        return await self.service.dispatch.place(self.app, cluster, OPERATOR)

    async def _place(self, cluster: str) -> None:
        """As `Place` leaves it, in no time."""
        instance, driver = f"{self.app}-first", await self.service.parts.driver(cluster)
        fence = Fence(lease=0, sequence=1)
        await driver.deploy(Workload(application=self.app, instance=instance, ports=("http",), settings={}), fence)
        endpoints = (await driver.observe(self.app, instance)).endpoints
        sides = documents.only(Backend(name=cluster, instance=instance, endpoints=endpoints))
        document = documents.document(self.app, self.application().routes[0], sides, "placed")
        await self.adapter.apply(document, fence=fence, base=None)
        placement = Placement(
            application=self.app,
            cluster=cluster,
            instance=instance,
            active=True,
            created_by="place",
            created_at=datetime.now(UTC),
        )
        self.service.database.placements.put(placement)

    def application(self) -> Application:
        """The application, ready when its memory probe and its path through every gateway instance say so."""
        probes = [
            {"kind": "memory", "via": "direct"},
            {"kind": "http", "via": "gateways", "settings": {"path": "/healthz"}},
        ]
        route = {
            "name": self.app,
            "hosts": [f"{self.app}.test"],
            "gateways": [self.gateway_name],
            "ports": [{"name": "http"}],
            "watch": {"period_seconds": 0.1},
        }
        in_emco = {
            "project": self.app,
            "composite_app": "shop",
            "composite_app_version": "v1",
            "deployment_intent_group": "dig1",
            "apps": ["web"],
        }
        return Application.model_validate(
            {
                "name": self.app,
                "workloads": {"memory": {}, "emco": in_emco},
                "routes": [route],
                "readiness": {"probes": probes, **self.readiness},
                "policy": FAST,
            }
        )

    async def relocate(self, **fields: Any) -> Run:
        """Ask for a move, of this application, and see it started."""
        request = RelocationRequest.model_validate({"application": self.app, **fields})
        accepted = await self.service.dispatch.accept(request, key=None, actor=OPERATOR)
        self.runs.append(Run(self.service, accepted.view.id))
        return self.runs[-1]

    async def move(self, **fields: Any) -> View:
        """A move to `b`, to its end."""
        return await (await self.relocate(**{"target": self.b, **fields})).ended()

    def before_write(self, wanted: Callable[[RouteDocument], bool], happens: Callable[[], Any]) -> None:
        """Let something happen just before each write of a document that is as wanted."""

        async def hook(document: RouteDocument) -> None:
            if wanted(document):
                happens()

        self.adapter.before_apply = hook

    def gives(self, cluster: str, weight: int) -> Callable[[RouteDocument], bool]:
        """Whether a document gives the cluster exactly this weight."""
        return lambda document: document.weights.get(cluster) == weight

    def nothing_before_writes(self) -> None:
        """Forget what was arranged by `before_write`."""
        self.before_write(lambda _: False, lambda: None)

    def then_before_write(self, wanted: Callable[[RouteDocument], bool], happens: Callable[[], Any]) -> None:
        """As `before_write`, beside what is arranged already."""
        earlier = self.adapter.before_apply

        async def hook(document: RouteDocument) -> None:
            await earlier(document)
            if wanted(document):
                happens()

        self.adapter.before_apply = hook

    def refuse(self, wanted: Callable[[RouteDocument], bool]) -> None:
        """Let the gateway find that it cannot carry a document that is as wanted."""
        self.adapter.refuses = wanted

    def cordon(self, cluster: str) -> None:
        """Take a cluster out of every choice."""
        catalogue = self.service.database.catalogue
        catalogue.put(catalogue.get(Cluster, cluster).model_copy(update={"cordoned": True}))

    def fail_on(self, cluster: str, reason: str) -> None:
        """Let every new instance there fail."""
        MemoryDriver.open(cluster, {}).cluster.faults.fails = reason

    def misconfigure(self, cluster: str) -> None:
        """Nothing can be asked of the cluster any more, since its settings make no sense."""
        self.service.database.catalogue.put(Cluster(name=cluster, driver="memory", settings={"nonsense": True}))

    def repair(self, cluster: str) -> None:
        """Undo of `misconfigure`."""
        self.service.database.catalogue.put(Cluster(name=cluster, driver="memory"))

    def slow_down(self, cluster: str) -> Callable[[], None]:
        """Nobody hears from the cluster until the answer is called."""
        event = self.service.parts.slow[cluster] = asyncio.Event()
        return event.set

    def accept_without_starting(self, **fields: Any) -> Run:
        """Keep a request as a process does that dies before it starts the workflow."""
        identity = new_identity()
        request = RelocationRequest.model_validate({"application": self.app, **fields})
        self.service.database.acceptance.accept(identity, request)
        self.runs.append(Run(self.service, identity))
        return self.runs[-1]

    async def write_as_somebody_else(self, weights: dict[str, int]) -> RouteDocument:
        """Change the route's weights past us."""
        state = await self.adapter.read(self.app)
        assert state is not None
        theirs = state.document.model_copy(update={"weights": weights, "epoch": "somebody-else"})
        fence = Fence(lease=state.fence.lease, sequence=state.fence.sequence + 1)
        await self.adapter.apply(theirs, fence=fence, base=state.version)
        return theirs

    async def delete_as_somebody_else(self) -> None:
        """Take the route away past us."""
        state = await self.adapter.read(self.app)
        assert state is not None
        fence = Fence(lease=state.fence.lease, sequence=state.fence.sequence + 1)
        await self.adapter.remove(self.app, fence=fence, base=state.version)

    @contextmanager
    def full_disk(self, relocation: str, sentence: str) -> Iterator[None]:
        """Let the database refuse claims of a relocation whose sentence is like this."""
        name = f"full_{relocation.replace('-', '_')}"
        condition = f"NEW.relocation = '{relocation}' AND json_extract(NEW.claim, '$.sentence') LIKE '{sentence}'"
        with writing(self.service.database.engine) as connection:
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} BEFORE INSERT ON evidence WHEN {condition} BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
            )
        try:
            yield
        finally:
            with writing(self.service.database.engine) as connection:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")

    def cluster(self, name: str) -> MemoryCluster:
        """The cluster itself, with its faults."""
        return MemoryDriver.open(name, {}).cluster

    async def document(self) -> RouteDocument:
        """The route as it stands."""
        state = await self.adapter.read(self.app)
        assert state is not None
        return state.document

    def instances(self) -> dict[str, int]:
        """How many instances there are of the application, by cluster that has any."""
        found = {name: MemoryDriver.clusters.get(name) for name in (self.a, self.b, self.c)}
        return {name: len(cluster.instances) for name, cluster in found.items() if cluster and cluster.instances}

    async def assert_serves_only_from(self, cluster: str) -> None:
        """Routes, gateway instances, instances and the record of placements all say the same; the lease is free."""
        document = await self.document()
        assert document.weights == {cluster: 100}
        assert document.probe_paths == ()
        assert {self.gateway.answer(instance, self.app).side for instance in INSTANCES} == {cluster}
        assert self.instances() == {cluster: 1}
        placements = self.service.database.placements.of(self.app)
        assert [(placement.cluster, placement.active) for placement in placements] == [(cluster, True)]
        assert self.service.database.leases.holder(self.app) is None

    async def close(self) -> None:
        """End what a failed story left running, replay every history, and stop listening."""
        try:
            for run in self.runs:
                await run.replay()
                run.prove()
        finally:
            for run in self.runs:
                await run.terminate()
            self.data_plane.stop()
