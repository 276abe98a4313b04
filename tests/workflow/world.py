# SPDX-License-Identifier: Apache-2.0
"""One story's world: an application on three clusters in memory, behind a gateway in memory, moved by real workers."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from relocate.clusters.contract import ClusterDriver, Workload
from relocate.clusters.memory import MemoryCluster, MemoryDriver
from relocate.dispatch import CommandResult
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.model.evidence import Claim
from relocate.model.placement import Placement
from relocate.model.relocation import Actor, Phase, RelocationRequest, Status, StepState, View
from relocate.parts import Parts
from relocate.phases import documents
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.evidence import broken_link
from relocate.temporal.dispatch import TemporalDispatch, new_identity
from relocate.temporal.worker import PASSED_THROUGH
from relocate.workflow.placement import Place
from relocate.workflow.relocation import Relocate
from steering.adapters.memory import MemoryGateway, MemorySettings
from steering.contract import SteeringAdapter
from steering.model import Backend, Fence, RouteDocument
from steering.store.engine import writing
from tests.workflow.data_plane import DataPlane, ListeningAdapter

INSTANCES = ("edge-1", "edge-2")
PATIENCE = 20.0
"""Longest wait for anything in a story, in seconds."""
OPERATOR = Actor(who="operator", why="the story says so")

FAST: Mapping[str, Any] = {
    "bake_seconds": 0,
    "hold_seconds": 0,
    "probes_per_instance": 3,
    "judging": {"min_samples": 1, "max_p99_slack_seconds": 10},
    "drain": {"window_seconds": 0, "deadline_seconds": 10},
}
"""A policy whose windows are empty: what a story waits for is then what happens, not time."""

_numbers = itertools.count(1)


class StoryParts(Parts):
    """Real parts, with adapters that stories have brought along."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Args: as `Parts`."""
        super().__init__(settings, database)
        self.brought: dict[str, SteeringAdapter] = {}
        self.slow: dict[str, asyncio.Event] = {}
        """Clusters whose driver comes when the event is set."""

    async def adapter(self, gateway: str) -> SteeringAdapter:
        """The story's adapter."""
        return self.brought[gateway]

    async def driver(self, cluster: str) -> ClusterDriver:
        """As `Parts`, when the cluster is not slow."""
        if cluster in self.slow:
            await self.slow[cluster].wait()
        return await super().driver(cluster)


@dataclass
class Service:
    """Workers that run, and the way in."""

    client: Client
    parts: StoryParts
    dispatch: TemporalDispatch

    @property
    def database(self) -> Database:
        """Where everything is kept."""
        return self.parts.database


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
        self.runs: list[Run] = []
        service.parts.brought[self.gateway_name] = self.adapter

    async def begin(self) -> None:
        """Configure everything and make the first placement on `a`."""
        await self.data_plane.start()
        catalogue = self.service.database.catalogue
        for name in (self.a, self.b, self.c):
            catalogue.put(Cluster(name=name, driver="memory", cpu_millicores=4000, memory_mib=4096))
        catalogue.put(Gateway(name=self.gateway_name, adapter="memory"))
        catalogue.put(self.application())
        await self._place(self.a)

    async def _place(self, cluster: str) -> None:
        """As `Place` leaves it. Its workflow cannot be used here: the gate would ask instances that do not listen."""
        instance, driver = f"{self.app}-first", await self.service.parts.driver(cluster)
        await driver.deploy(Workload(application=self.app, instance=instance, ports=("http",), settings={}))
        endpoints = (await driver.observe(self.app, instance)).endpoints
        sides = documents.only(Backend(name=cluster, instance=instance, endpoints=endpoints))
        document = documents.document(self.app, self.application().routes[0], sides, "placed")
        await self.adapter.apply(document, fence=Fence(lease=0, sequence=1), base=None)
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
        route = {"name": self.app, "hosts": [f"{self.app}.test"], "gateways": [self.gateway_name], "ports": [{"name": "http"}]}
        readiness = {"probes": probes, "period_seconds": 0.02, "stable_seconds": 0.02, "deadline_seconds": 10}
        return Application.model_validate(
            {
                "name": self.app,
                "workloads": {"memory": {}},
                "routes": [route],
                "readiness": readiness,
                "policy": FAST,
            }
        )

    async def relocate(self, **fields: Any) -> "Run":
        """Ask for a move, of this application, and see it started."""
        request = RelocationRequest.model_validate({"application": self.app, **fields})
        accepted = await self.service.dispatch.accept(request, key=None, actor=OPERATOR)
        self.runs.append(Run(self, accepted.view.id))
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

    def slow_down(self, cluster: str) -> Callable[[], None]:
        """Nobody hears from the cluster until the answer is called."""
        event = self.service.parts.slow[cluster] = asyncio.Event()
        return event.set

    def accept_without_starting(self, **fields: Any) -> "Run":
        """Keep a request as a process does that dies before it starts the workflow."""
        identity = new_identity()
        request = RelocationRequest.model_validate({"application": self.app, **fields})
        self.service.database.relocations.accept(identity, request)
        self.runs.append(Run(self, identity))
        return self.runs[-1]

    async def write_as_somebody_else(self, weights: dict[str, int]) -> RouteDocument:
        """Change the route's weights past us."""
        state = await self.adapter.read(self.app)
        assert state is not None
        theirs = state.document.model_copy(update={"weights": weights, "epoch": "somebody-else"})
        fence = Fence(lease=state.fence.lease, sequence=state.fence.sequence + 1)
        await self.adapter.apply(theirs, fence=fence, base=state.version)
        return theirs

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
        finally:
            for run in self.runs:
                await run.terminate()
            await self.data_plane.stop()


class Run:
    """One relocation of a story."""

    def __init__(self, world: World, identity: str) -> None:
        """Args: world: the story's; identity: the relocation's id."""
        self.id = identity
        self._world = world
        self._service = world.service

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
        await self.until(lambda _: any(e.kind == "left" and e.data["left"] == left for e in relocations.events(self.id)))

    async def settled(self) -> None:
        """Wait until an activity of the present phase is at work, so that a cancel meets it."""
        async with asyncio.timeout(PATIENCE):
            while not await self._works():
                await asyncio.sleep(0.02)

    async def _works(self) -> bool:
        pending = (await self.handle.describe()).raw_description.pending_activities
        return any(one.activity_type.name != "watch" and one.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED for one in pending)

    async def until(self, wanted: Callable[[View], bool]) -> View:
        """The first view seen that is as wanted."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not wanted(view := self.view):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not in {PATIENCE:g} s; it is: {self.view.status}, {self.view.sentence}") from None
        return view

    async def in_phase(self, phase: Phase) -> View:
        """The view once a phase runs."""
        return await self.until(lambda view: view.phase is phase and self._running(view, phase))

    async def asks(self, status: Status = Status.NEEDS_OPERATOR) -> View:
        """The view once the run waits for somebody."""
        return await self.until(lambda view: view.status is status)

    async def ended(self) -> View:
        """The view at the end, when the workflow is closed too."""
        view = await self.until(lambda view: view.status is Status.FINISHED)
        async with asyncio.timeout(PATIENCE):
            await self._closed()
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

    async def terminate(self) -> None:
        """End it if it still runs."""
        description = await self.handle.describe()
        if description.close_time is None:
            await self.handle.terminate("the story is over")

    async def _closed(self) -> None:
        while (await self.handle.describe()).close_time is None:
            await asyncio.sleep(0.02)

    @staticmethod
    def _running(view: View, phase: Phase) -> bool:
        return any(step.phase is phase and step.state is StepState.RUNNING for step in view.steps)


def replayer() -> Replayer:
    """As the worker: same workflows, same sandbox, same data converter."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return Replayer(
        workflows=[Relocate, Place],
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
        data_converter=pydantic_data_converter,
    )
