# SPDX-License-Identifier: Apache-2.0
"""Today's order does what it says, in that order, and asks nobody whether it worked."""

from collections.abc import Iterator
from itertools import count

import pytest

from readiness.model import GateSpec
from relocate.clusters.contract import Workload
from relocate.clusters.memory import MemoryDriver
from relocate.demo.today import Place, move_in_todays_order
from relocate.errors import NotProven, TargetFailed
from relocate.model.application import Application, Route
from steering.adapters.memory import MemoryAdapter, MemoryGateway, MemorySettings
from steering.errors import Unavailable, UnknownRoute
from steering.model import Backend, Endpoint, Fence, Port, RouteDocument

PORTS = (Port(name="http"),)
ON_A = RouteDocument(
    route="web",
    application="navigator",
    hosts=("navigator.edge.test",),
    ports=PORTS,
    backends=(Backend(name="mec-a", instance="nav-1", endpoints={"http": (Endpoint(host="127.0.0.1", port=1),)}),),
    weights={"mec-a": 100},
    epoch="before",
)


class Move:
    """One move from mec-a to mec-b, over one gateway."""

    def __init__(self) -> None:
        self.a, self.b = MemoryDriver.open("mec-a", {}), MemoryDriver.open("mec-b", {})
        self.gateway = MemoryGateway(MemorySettings())
        self.adapter = MemoryAdapter(self.gateway)
        self.slept: list[float] = []
        self.application = Application(
            name="navigator",
            workloads={"memory": {}},
            routes=(Route(name="web", hosts=ON_A.hosts, gateways=("edge",), ports=PORTS),),
            readiness=GateSpec.model_validate({"probes": [{"kind": "http"}]}),
        )

    async def sleep(self, seconds: float) -> None:
        """Take no time."""
        self.slept.append(seconds)

    async def place(self) -> None:
        """Make nav-1 run on A, with the route on it."""
        workload, fence = (
            Workload(application="navigator", instance="nav-1", ports=("http",), settings={}),
            Fence(lease=1, sequence=1),
        )
        await self.a.deploy(workload, fence)
        await self.adapter.apply(ON_A, fence=fence, base=None)

    async def go(self) -> None:
        """Move it."""
        sequence = count(2)
        await move_in_todays_order(
            self.application,
            Place("mec-a", self.a, "nav-1"),
            Place("mec-b", self.b, "nav-2"),
            adapters={"edge": self.adapter},
            next_fence=lambda: Fence(lease=1, sequence=next(sequence)),
            deadline_seconds=1.0,
            sleep=self.sleep,
        )

    async def a_is_untouched(self) -> bool:
        """Whether A runs and the route is as it was."""
        self.gateway.unavailable = None
        state = await self.adapter.read("web")
        return await self.a.gone("navigator", "nav-1") is False and state is not None and state.document == ON_A


@pytest.fixture
async def move(_own_clusters: None) -> Move:
    """One that can begin."""
    made = Move()
    await made.place()
    return made


@pytest.fixture
def _own_clusters() -> Iterator[None]:
    """Clusters in memory outlive drivers, but not tests."""
    MemoryDriver.clusters.clear()
    yield
    MemoryDriver.clusters.clear()


async def test_the_route_points_at_b_alone_and_a_is_deleted(move: Move) -> None:
    """One write, derived from what was read."""
    await move.go()
    state = await move.adapter.read("web")
    assert state is not None
    assert state.document.weights == {"mec-b": 100}
    assert [(backend.name, backend.instance) for backend in state.document.backends] == [("mec-b", "nav-2")]
    assert state.document.epoch != "before"
    assert state.fence == Fence(lease=1, sequence=3)
    assert await move.a.gone("navigator", "nav-1")
    assert await move.b.gone("navigator", "nav-2") is False


async def test_a_is_deleted_although_no_gateway_instance_took_the_route(move: Move) -> None:
    """Nobody is asked: that is what today's order loses by."""
    move.gateway.refusals.update(dict.fromkeys(move.gateway.instances(), "no"))
    await move.go()
    assert move.gateway.answer("memory-1", "web").side == "mec-a"
    assert await move.a.gone("navigator", "nav-1")


async def test_it_waits_until_the_cluster_says_that_b_runs(move: Move) -> None:
    """And no longer: whether B serves is not asked."""
    move.b.cluster.faults.starts_after = 3
    await move.go()
    assert move.slept == [0.1, 0.1, 0.1]


async def test_b_that_fails_leaves_a_and_the_route_alone(move: Move) -> None:
    """The cluster's reason is in the error."""
    move.b.cluster.faults.fails = "image not found"
    with pytest.raises(TargetFailed, match="image not found"):
        await move.go()
    assert await move.a_is_untouched()


async def test_b_that_never_runs_ends_at_the_deadline(move: Move) -> None:
    """A stays."""
    move.b.cluster.faults.never_runs = True
    with pytest.raises(NotProven, match="within 1 s that nav-2 runs"):
        await move.go()
    assert await move.a_is_untouched()


async def test_a_gateway_that_cannot_be_written_leaves_a(move: Move) -> None:
    """The delete comes after the write."""
    move.gateway.unavailable = "maintenance"
    with pytest.raises(Unavailable, match="maintenance"):
        await move.go()
    assert await move.a_is_untouched()


async def test_a_gateway_without_the_route_leaves_a(move: Move) -> None:
    """Nothing is deleted that users may still need."""
    await move.adapter.remove("web", fence=Fence(lease=1, sequence=2), base="1")
    with pytest.raises(UnknownRoute, match="web"):
        await move.go()
    assert await move.a.gone("navigator", "nav-1") is False
