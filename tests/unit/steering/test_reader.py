# SPDX-License-Identifier: Apache-2.0
"""Reading the database: what did not change is neither read nor rendered again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from steering.envoy.plan import GatewayPlan
from steering.envoy.reader import Reader
from steering.model import Endpoint, ProbePath
from steering.store.engine import engine
from steering.store.routes import RouteStore, StoredRoute
from steering.store.tables import METADATA
from tests.unit.steering.documents import SETTINGS, document, fence

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Watched(RouteStore):
    """The store, which notes whose documents were read."""

    asked: Sequence[str] = ()

    def some(self, gateway: str, routes: Sequence[str]) -> Mapping[str, StoredRoute]:
        """As the store's."""
        self.asked = tuple(routes)
        return super().some(gateway, routes)


class World:
    """A database, the configuration and a reader, at a time set by hand."""

    def __init__(self, routes: Watched) -> None:
        """Args: routes: in a database of its own."""
        self.routes = routes
        self.settings: dict[str, Any] = SETTINGS.model_dump(mode="json")
        self.now = NOW
        self._reader = Reader(routes, lambda: {"edge": dict(self.settings)}, now=lambda: self.now)

    def read(self) -> GatewayPlan:
        """Look, and take the plan."""
        self.is_changed = "edge" in self._reader.read()
        plan = self._reader.plan("edge")
        assert plan is not None
        return plan


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """With routes game and shop, in which shop has a probe path."""
    made = engine(f"sqlite:///{tmp_path}/steering.db")
    METADATA.create_all(made)
    routes = Watched(made)
    path = ProbePath(backend="b", token="t" * 20, expires_at=NOW + timedelta(seconds=60))
    routes.write("edge", document({"a": 100, "b": 0}, probe_paths=(path,)), fence(1), None)
    game = document(route="game", hosts=("game.example",), backends=(document().backends[0],))
    routes.write("edge", game, fence(1), None)
    yield World(routes)
    made.dispose()


def test_only_what_was_written_is_read_and_rendered(world: World) -> None:
    """Another version of one route is read alone; the plan of the other is the same object as before."""
    before = world.read()
    assert set(world.routes.asked) == {"game", "shop"}
    world.read()
    assert not world.is_changed
    world.routes.write("edge", document({"b": 100}, epoch="e2"), fence(2), 1)
    after = world.read()
    assert (world.is_changed, world.routes.asked) == (True, ("shop",))
    assert after.routes["shop"].version == 2
    assert after.routes["game"] is before.routes["game"]


def test_removed_and_forgotten_routes_leave_the_plan(world: World) -> None:
    """A removed route stands among the removed ones; the others stay as they were."""
    before = world.read()
    world.routes.remove("edge", "shop", fence(2), 1)
    after = world.read()
    assert (set(after.routes), after.removed) == ({"game"}, {"shop": 2})
    assert after.routes["game"] is before.routes["game"]


def test_expired_path_is_rendered_away(world: World) -> None:
    """At its end a probe path is a change of that route alone, without a new version and without reading it again."""
    before = world.read()
    world.now += timedelta(seconds=60)
    after = world.read()
    assert (world.is_changed, world.routes.asked) == (True, ())
    assert "shop/http/b/probe" not in after.routes["shop"].clusters
    assert after.routes["game"] is before.routes["game"]
    world.read()
    assert not world.is_changed


def test_moved_instance_is_a_change_of_its_routes_alone(world: World) -> None:
    """Only routes that name the instance are rendered again."""
    before = world.read()
    world.routes.move_endpoints("b-1", {"http": (Endpoint(host="127.0.0.1", port=9),)})
    after = world.read()
    assert after.routes["shop"] is not before.routes["shop"]
    assert after.routes["game"] is before.routes["game"]


def test_other_settings_change_every_route(world: World) -> None:
    """Settings stand in all resources; ones that make no sense leave the last good plan."""
    before = world.read()
    world.settings |= {"connect_timeout_seconds": 2.0}
    after = world.read()
    assert all(after.routes[name] is not before.routes[name] for name in before.routes)
    world.settings |= {"connect_timeout_seconds": -1}
    assert world.read().settings == after.settings
