# SPDX-License-Identifier: Apache-2.0
"""Routes follow placed instances to where they listen now."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relocate.clusters.contract import ClusterDriver, InstanceState, Observation
from relocate.endpoints import Following
from relocate.errors import ClusterUnavailable
from relocate.model.placement import Placement
from relocate.parts import Parts
from relocate.settings import Settings
from relocate.store.migrate import prepare
from steering.model import Backend, Endpoint, Fence, Port, RouteDocument
from steering.store.routes import RouteStore

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

    async def observe(self, application: str, instance: str) -> Observation:  # noqa: ARG002
        """What the test says."""
        if isinstance(self.said, ClusterUnavailable):
            raise self.said
        return self.said


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[OnePlace]:
    """Parts on a fresh database, with one route at version 1 that knows the instance at HERE."""
    url = f"sqlite:///{tmp_path}/test.db"
    prepare(url)
    made = OnePlace.open(Settings(database_url=url))
    document = RouteDocument(
        route="shop",
        application="shop",
        hosts=("shop.test",),
        ports=(Port(name="http"),),
        backends=(Backend(name="mec-a", instance="shop-1", endpoints={"http": (HERE,)}),),
        weights={"mec-a": 100},
        epoch="e1",
    )
    RouteStore(made.database.engine).write("edge", document, Fence(lease=1, sequence=1), None)
    made.database.placements.put(PLACED)
    yield made
    made.database.close()


def running(*endpoints: Endpoint) -> Observation:
    """An instance that runs there."""
    return Observation(state=InstanceState.RUNNING, endpoints={"http": endpoints})


async def test_an_instance_that_moved_is_followed_without_a_new_version(parts: OnePlace) -> None:
    """The endpoints change, the route's version does not, and following again does nothing."""
    routes = RouteStore(parts.database.engine)
    parts.said = running(THERE)
    following = Following(parts)
    assert await following.look() == ["shop-1"]
    assert routes.moved_endpoints() == {"shop-1": {"http": (THERE,)}}
    assert routes.versions() == {("edge", "shop"): 1}
    assert await following.look() == []


@pytest.mark.parametrize(
    "said",
    [
        running(HERE),
        running(),
        Observation(state=InstanceState.FAILED, endpoints={"http": (THERE,)}),
        Observation(state=InstanceState.UNKNOWN),
        ClusterUnavailable("mec-a: its agent cannot be asked"),
    ],
    ids=["the same place", "no endpoint", "failed", "unknown", "cannot be asked"],
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
    """Only instances in routes are followed."""
    parts.said = running(THERE)
    parts.database.placements.put(PLACED.model_copy(update={"instance": "shop-2"}))
    assert await Following(parts).look() == []


async def test_every_route_of_an_instance_is_followed(parts: OnePlace) -> None:
    """Ports that stand in another route of the instance count as well; a new version of a route is read."""
    following = Following(parts)
    parts.said = running(HERE)
    assert await following.look() == []
    document = RouteDocument(
        route="shop-admin",
        application="shop",
        hosts=("admin.test",),
        ports=(Port(name="admin"),),
        backends=(Backend(name="mec-a", instance="shop-1", endpoints={"admin": (HERE,)}),),
        weights={"mec-a": 100},
        epoch="e1",
    )
    RouteStore(parts.database.engine).write("edge", document, Fence(lease=1, sequence=1), None)
    parts.said = Observation(state=InstanceState.RUNNING, endpoints={"http": (HERE,), "admin": (THERE,)})
    assert await following.look() == ["shop-1"]
    assert await following.look() == []
