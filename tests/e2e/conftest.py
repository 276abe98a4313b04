# SPDX-License-Identifier: Apache-2.0
"""Two real edge clusters, and the service that moves applications between them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from itertools import count

import pytest
import pytest_asyncio

from relocate.demo.system import System, new_system
from tests.drills.scene import stages
from tests.e2e.edge import Edge
from tests.e2e.entries import Entry, envoys, through
from tests.e2e.scene import EdgeScene, Place
from tests.gateway_api.hub import Hub
from tests.systems import SESSION, running, share_loop
from tests.testbed.clusters import Clusters
from tests.testbed.fixtures import edge_clusters, machine_for_clusters

__all__ = ["edge_clusters", "machine_for_clusters"]

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All run in one loop, and may take as long as real clusters do on a busy machine."""
    share_loop(items, "e2e", 240)


@pytest_asyncio.fixture(**SESSION)
async def edge_a(edge_clusters: Clusters) -> AsyncIterator[Edge]:
    """The first edge cluster."""
    async with Edge.open("edge-a", edge_clusters.edges["edge-a"]) as edge:
        yield edge


@pytest_asyncio.fixture(**SESSION)
async def edge_b(edge_clusters: Clusters) -> AsyncIterator[Edge]:
    """The second one."""
    async with Edge.open("edge-b", edge_clusters.edges["edge-b"]) as edge:
        yield edge


@pytest_asyncio.fixture(**SESSION)
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """Temporal, API, worker, gateway control and two Envoys."""
    async with running(new_system(tmp_path_factory.mktemp("system"))) as made:
        yield made


@pytest_asyncio.fixture(**SESSION)
async def places(system: System, edge_a: Edge, edge_b: Edge) -> AsyncIterator[Mapping[str, Place]]:
    """Both edge clusters, as the service knows them."""
    async with AsyncExitStack() as closing:
        opened = [
            await closing.enter_async_context(Place.open(edge, system.folder, system)) for edge in (edge_a, edge_b)
        ]
        yield {place.edge.name: place for place in opened}


@pytest.fixture(scope="session", autouse=True)
def hub(edge_clusters: Clusters) -> Hub:
    """Where gateways are configured; also for the conformance kit, whose harnesses take no fixtures."""
    Hub.here = Hub(edge_clusters.hub)
    return Hub.here


@pytest_asyncio.fixture(**SESSION)
async def entry(request: pytest.FixtureRequest, system: System, hub: Hub) -> AsyncIterator[Entry]:
    """The gateway: our own Envoys, unless a test names an implementation of the Gateway API."""
    named = getattr(request, "param", "envoy")
    if named == "envoy":
        yield envoys(system)
    else:
        async with through(named, hub, system) as found:
            yield found


@pytest_asyncio.fixture(loop_scope="session")
async def stage(
    system: System, places: Mapping[str, Place], entry: Entry
) -> AsyncIterator[Callable[..., Awaitable[EdgeScene]]]:
    """Makes the test's scene."""
    system.processes.check()
    async with stages(lambda flows: EdgeScene(system, f"e2e-{next(_numbers)}", places, entry, flows)) as make:
        yield make
