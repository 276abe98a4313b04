# SPDX-License-Identifier: Apache-2.0
"""Gateways are told where placed instances listen, once after a start and whenever they move."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relocate.clusters.contract import ClusterDriver, InstanceState, Observation
from relocate.endpoints import REPEAT_SECONDS, Following
from relocate.errors import ClusterUnavailable
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.model.placement import Placement
from relocate.parts import Parts
from relocate.settings import Settings
from relocate.store.migrate import prepare
from steering.memory import MemoryGateway
from steering.model import Backend, Endpoint, Fence, Port, RouteDocument
from steering.store.routes import RouteStore

READY = {"probes": [{"kind": "http"}]}
HERE, THERE = Endpoint(host="127.0.0.1", port=1001), Endpoint(host="127.0.0.1", port=1002)

PLACED = Placement(
    application="shop",
    cluster="mec-a",
    instance="shop-1",
    active=True,
    created_by="place",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


class OnePlace(Parts):
    """Parts whose every cluster answers what the test says."""

    said: Observation | ClusterUnavailable = Observation(state=InstanceState.UNKNOWN)

    async def driver(self, cluster: str) -> ClusterDriver:  # noqa: ARG002
        """The same for every cluster."""
        return self  # type: ignore[return-value]

    async def heard(self, application: str, instance: str) -> Observation:  # noqa: ARG002
        """What the test says."""
        if isinstance(self.said, ClusterUnavailable):
            raise self.said
        return self.said


def document(route: str, instance: str) -> RouteDocument:
    """A route that knows the instance at HERE."""
    port = "http" if route == "shop" else route
    return RouteDocument(
        route=route,
        application="shop",
        hosts=(f"{route}.test",),
        ports=(Port(name=port),),
        backends=(Backend(name="mec-a", instance=instance, endpoints={port: (HERE,)}),),
        weights={"mec-a": 100},
        epoch="e1",
    )


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[OnePlace]:
    """Parts on a fresh database; one route of gateway `edge` at version 1 knows the instance at HERE."""
    url = f"sqlite:///{tmp_path}/test.db"
    prepare(url)
    made = OnePlace.open(Settings(database_url=url))
    RouteStore(made.database.engine).write("edge", document("shop", "shop-1"), Fence(lease=1, sequence=1), None)
    catalogue = made.database.catalogue
    catalogue.put(Cluster(name="mec-a", driver="memory"))
    catalogue.put(Gateway(name="edge", adapter="envoy", settings={"listener": None}))
    catalogue.put(Gateway(name="other", adapter="memory"))
    catalogue.put(application("edge"))
    made.database.placements.put(PLACED)
    yield made
    MemoryGateway.forget("other")
    made.database.close()


def application(*gateways: str) -> Application:
    """`shop`, with its route at these gateways, and a second one at `edge`."""
    routes = [
        {"name": "shop", "hosts": ["shop.test"], "gateways": gateways, "ports": [{"name": "http"}]},
        {"name": "shop-admin", "hosts": ["admin.test"], "gateways": ["edge"], "ports": [{"name": "admin"}]},
    ]
    routes[1]["watch"] = {"port": "admin"}
    return Application.model_validate(
        {"name": "shop", "workloads": {"memory": {}}, "routes": routes, "readiness": READY}
    )


def running(*endpoints: Endpoint) -> Observation:
    """An instance that runs there."""
    return Observation(state=InstanceState.RUNNING, endpoints={"http": endpoints})


class Clock:
    """A clock that is set by hand."""

    time = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.time


async def test_an_instance_that_moved_is_followed_without_a_new_version(parts: OnePlace) -> None:
    """The endpoints change, the route's version does not, and following again does nothing."""
    routes = RouteStore(parts.database.engine)
    parts.said = running(THERE)
    following = Following(parts)
    assert await following.look() == ["shop-1"]
    assert routes.moved_endpoints() == {"shop-1": {"http": (THERE,)}}
    assert routes.versions() == {("edge", "shop"): 1}
    assert await following.look() == []


async def test_a_gateway_is_told_once_after_a_start(parts: OnePlace) -> None:
    """It hears of an instance that has not moved, which changes nothing there."""
    routes = RouteStore(parts.database.engine)
    parts.said = running(HERE)
    following = Following(parts)
    assert await following.look() == ["shop-1"]
    assert await following.look() == []
    assert routes.moved_endpoints() == {}


@pytest.mark.parametrize(
    "said",
    [
        running(),
        Observation(state=InstanceState.FAILED, endpoints={"http": (THERE,)}),
        Observation(state=InstanceState.UNKNOWN),
        ClusterUnavailable("mec-a: its agent cannot be asked"),
    ],
    ids=["no endpoint", "failed", "unknown", "cannot be asked"],
)
async def test_nothing_is_changed_for_want_of_knowledge(
    parts: OnePlace, said: Observation | ClusterUnavailable
) -> None:
    """An instance that does not run somewhere else for certain leaves the routes as they are."""
    routes = RouteStore(parts.database.engine)
    parts.said = said
    assert await Following(parts).look() == []
    assert routes.moved_endpoints() == {}


async def test_an_instance_that_no_route_names_is_left_alone(parts: OnePlace) -> None:
    """Only instances in routes are followed; one that comes into a route later is told of then."""
    parts.said = running(THERE)
    parts.database.placements.put(PLACED.model_copy(update={"instance": "shop-2"}))
    following = Following(parts)
    assert await following.look() == []
    routes = RouteStore(parts.database.engine)
    assert routes.moved_endpoints() == {}
    routes.write("edge", document("shop", "shop-2"), Fence(lease=1, sequence=2), 1)
    assert await following.look() == ["shop-2"]
    assert routes.moved_endpoints() == {"shop-2": {"http": (THERE,)}}


async def test_every_route_of_an_instance_is_followed(parts: OnePlace) -> None:
    """Ports that stand in another route of the instance count as well; a new version of a route is read."""
    following = Following(parts)
    parts.said = running(HERE)
    assert await following.look() == ["shop-1"]
    RouteStore(parts.database.engine).write("edge", document("admin", "shop-1"), Fence(lease=1, sequence=1), None)
    parts.said = Observation(state=InstanceState.RUNNING, endpoints={"http": (HERE,), "admin": (THERE,)})
    assert await following.look() == ["shop-1"]
    assert await following.look() == []


async def test_every_gateway_is_told_and_one_that_is_silent_is_told_later(parts: OnePlace) -> None:
    """What one gateway has heard is not said again while another cannot be asked."""
    other = MemoryGateway.named("other")
    other.write("shop", document("shop", "shop-1"), Fence(lease=1, sequence=1), None)
    other.unavailable = "maintenance"
    parts.database.catalogue.put(application("edge", "other"))
    parts.said = running(THERE)
    following = Following(parts)
    assert await following.look() == ["shop-1"]
    assert await following.look() == []
    other.unavailable = None
    assert await following.look() == ["shop-1"]
    assert other.moved == {"shop-1": {"http": (THERE,)}}


async def test_gateways_are_told_again_while_an_application_moves(parts: OnePlace) -> None:
    """Routes are written then from what was seen before; when the move is over, everybody is told once more."""
    clock = Clock()
    parts.said = running(HERE)
    following = Following(parts, clock=clock)
    assert await following.look() == ["shop-1"]
    target = PLACED.model_copy(update={"cluster": "mec-b", "instance": "shop-2", "active": False})
    parts.database.placements.put(target)
    assert await following.look() == ["shop-1"]
    assert await following.look() == []
    clock.time = REPEAT_SECONDS
    assert await following.look() == ["shop-1"]
    parts.database.placements.forget("shop", "mec-b")
    assert await following.look() == ["shop-1"]
    clock.time += 10 * REPEAT_SECONDS
    assert await following.look() == []
