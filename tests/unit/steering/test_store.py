# SPDX-License-Identifier: Apache-2.0
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from steering.errors import Conflict, Fenced, Rejected
from steering.model import Endpoint
from steering.store.engine import seeing
from steering.store.gateways import Connected, GatewayStore, Parted, Session, Stand, Standing, Told
from steering.store.routes import RouteStore
from steering.store.tables import ACKNOWLEDGEMENTS, REPLICA_SILENCE
from tests.unit.steering.documents import document, fence

FIRST = Session(gateway="edge", instance="edge-1", id="s1", replica="r1")
SECOND = Session(gateway="edge", instance="edge-1", id="s2", replica="r2")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        """It starts at a fixed moment."""
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.time


@pytest.fixture
def routes(made: Engine) -> RouteStore:
    """The routes in it."""
    return RouteStore(made)


@pytest.fixture
def clock() -> Clock:
    """The clock of `gateways`."""
    return Clock()


@pytest.fixture
def gateways(made: Engine, clock: Clock) -> GatewayStore:
    """The gateways in it."""
    return GatewayStore(made, now=clock)


def test_versions_rise_by_one(routes: RouteStore) -> None:
    """Each write gets the next version, and is read back whole."""
    assert routes.write("edge", document(), fence(1), None) == 1
    second = document({"a": 50, "b": 50})
    assert routes.write("edge", second, fence(2), 1) == 2
    stored = routes.read("edge", "shop")
    assert stored is not None
    assert (stored.version, stored.document, stored.fence) == (2, second, fence(2))
    assert routes.versions() == {("edge", "shop"): 2}


def test_repeat_writes_nothing(routes: RouteStore) -> None:
    """The same document under the same fence answers the version of the first time, whatever base is named."""
    assert [routes.write("edge", document(), fence(1), base) for base in (None, None, 7)] == [1, 1, 1]


def test_stale_writer_is_fenced(routes: RouteStore) -> None:
    """A lower fence, and an equal one with something else, change nothing."""
    routes.write("edge", document(), fence(5, lease=2), None)
    for stale in (fence(4, lease=2), fence(9, lease=1), fence(5, lease=2)):
        with pytest.raises(Fenced):
            routes.write("edge", document({"b": 100}), stale, 1)
    assert routes.versions() == {("edge", "shop"): 1}


def test_other_base_is_a_conflict(routes: RouteStore) -> None:
    """Creating what exists, replacing what does not exist, and replacing another version are refused."""
    with pytest.raises(Conflict):
        routes.write("edge", document(), fence(1), 1)
    routes.write("edge", document(), fence(1), None)
    for base in (None, 2):
        with pytest.raises(Conflict):
            routes.write("edge", document({"b": 100}), fence(2), base)


def test_versions_go_on_after_a_removal(routes: RouteStore) -> None:
    """A removed route is known to be removed, fenced like any write, and comes back above its last version."""
    routes.write("edge", document(), fence(1), None)
    assert routes.remove("edge", "shop", fence(2), 1) == 2
    assert routes.remove("edge", "shop", fence(2), 1) == 2
    stored = routes.read("edge", "shop")
    assert stored is not None
    assert stored.document is None
    with pytest.raises(Fenced):
        routes.write("edge", document(), fence(1), None)
    with pytest.raises(Conflict):
        routes.write("edge", document(), fence(3), 2)
    assert routes.write("edge", document(), fence(3), None) == 3


def test_host_belongs_to_one_route(routes: RouteStore) -> None:
    """A second route for a host is refused until the first gives it up; other gateways do not matter."""
    game = document(route="game")
    routes.write("edge", document(), fence(1), None)
    with pytest.raises(Rejected, match=r"shop\.example belongs to route shop"):
        routes.write("edge", game, fence(1), None)
    assert routes.read("edge", "game") is None
    routes.write("other", game, fence(1), None)
    routes.write("edge", document(hosts=("new.example",)), fence(2), 1)
    routes.write("edge", game, fence(1), None)


def test_version_lies_above_what_a_gateway_holds(routes: RouteStore, gateways: GatewayStore) -> None:
    """After a lost database, a new route's version is above the one an instance reported."""
    gateways.record([Connected(FIRST), Told(FIRST, {"shop": Stand(held=57)})])
    assert routes.write("edge", document(), fence(1), None) == 58


def test_one_of_many_concurrent_writers_wins(routes: RouteStore) -> None:
    """Writers that race from the same base get one success between them."""
    routes.write("edge", document(), fence(1), None)

    def write(number: int) -> bool:
        try:
            routes.write("edge", document(epoch=f"w{number}"), fence(number), 1)
        except (Conflict, Fenced):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(2, 18))) == 1
    assert routes.versions() == {("edge", "shop"): 2}


def test_moved_endpoints_are_never_empty(routes: RouteStore) -> None:
    """Where an instance listens can be changed, but not to nowhere."""
    here = {"http": (Endpoint(host="127.0.0.1", port=1),)}
    routes.move_endpoints("a-1", here)
    for nowhere in ({"http": ()}, {}):
        with pytest.raises(ValueError, match="endpoints"):
            routes.move_endpoints("a-1", nowhere)
    assert routes.moved_endpoints() == {"a-1": here}


def test_new_connection_resets_what_was_acknowledged(gateways: GatewayStore) -> None:
    """An instance that connects anew has applied nothing until it says so; what it once held stays known."""
    assert list(gateways.record([Connected(FIRST), Told(FIRST, {"shop": Stand(applied=3, held=3)})])) == [True, True]
    gateways.record([Connected(SECOND)])
    stand = gateways.standing("edge", "shop").stands["edge-1"]
    assert (stand.applied, stand.held) == (0, 3)


def test_older_connection_has_no_say(gateways: GatewayStore) -> None:
    """Neither the word nor the end of a connection counts once the instance has a newer one."""
    gateways.heartbeat("r2", "127.0.0.1:1")
    words = [Connected(FIRST), Connected(SECOND), Told(FIRST, {"shop": Stand(applied=9)}), Parted(FIRST)]
    assert list(gateways.record(words)) == [True, True, False, False]
    assert gateways.standing("edge", "shop") == Standing({"edge-1": True}, {})
    gateways.record([Parted(SECOND)])
    assert gateways.connections("edge") == {"edge-1": False}


def test_many_words_are_stored_in_their_order(gateways: GatewayStore) -> None:
    """In one transaction, several instances' words count apart, and an instance's later word replaces its earlier one."""
    gateways.heartbeat("r1", "127.0.0.1:1")
    other = Session(gateway="edge", instance="edge-2", id="s3", replica="r1")
    elsewhere = Session(gateway="far", instance="edge-1", id="s4", replica="r1")
    gateways.record([Connected(one) for one in (FIRST, other, elsewhere)])
    words = [
        Told(FIRST, {"shop": Stand(applied=1, held=1), "game": Stand(applied=7, held=7)}),
        Told(other, {"shop": Stand(rejected=2, reason="no")}),
        Told(elsewhere, {"shop": Stand(applied=5, held=5)}),
        Parted(other),
        Told(FIRST, {"shop": Stand(applied=2, held=2)}),
    ]
    assert all(gateways.record(words))
    found = gateways.standing("edge", "shop")
    assert found.connected == {"edge-1": True, "edge-2": False}
    assert {name: (one.applied, one.rejected, one.reason) for name, one in found.stands.items()} == {
        "edge-1": (2, 0, ""),
        "edge-2": (0, 2, "no"),
    }
    assert gateways.standing("edge", "game").stands["edge-1"].applied == 7
    assert gateways.standing("far", "shop").stands["edge-1"].applied == 5


def test_where_instances_stand_is_seen_at_one_moment(made: Engine, gateways: GatewayStore) -> None:
    """What is written between two looks of one question belongs to the next question."""
    gateways.record([Connected(FIRST), Told(FIRST, {"shop": Stand(applied=1)})])
    applied = select(ACKNOWLEDGEMENTS.c.applied)
    with seeing(made) as connection:
        before = connection.execute(applied).scalar_one()
        gateways.record([Told(FIRST, {"shop": Stand(applied=2)})])
        assert connection.execute(applied).scalar_one() == before == 1
    with seeing(made) as connection:
        assert connection.execute(applied).scalar_one() == 2


def test_silent_replica_takes_its_instances_with_it(gateways: GatewayStore, clock: Clock) -> None:
    """Instances of a control plane process that is not seen any more are not connected."""
    gateways.heartbeat("r1", "127.0.0.1:1")
    gateways.record([Connected(FIRST)])
    assert gateways.connections("edge") == {"edge-1": True}
    clock.time += REPLICA_SILENCE + timedelta(seconds=1)
    assert gateways.connections("edge") == {"edge-1": False}
    gateways.heartbeat("r1", "127.0.0.1:2")
    gateways.leave("r1")
    assert gateways.connections("edge") == {"edge-1": False}
