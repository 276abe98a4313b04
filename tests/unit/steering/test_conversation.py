# SPDX-License-Identifier: Apache-2.0
"""One control connection, heard and said without any I/O."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from steering.envoy.listener import LISTENER
from steering.envoy.plan import GatewayPlan, RoutePlan, plan_gateway
from steering.envoy.settings import Listener
from steering.envoy.xds import EDS, LDS, RDS
from steering.model import Endpoint, RouteDocument
from steering.store.routes import StoredRoute
from tests.unit.steering.documents import SETTINGS, document, fence
from tests.unit.steering.envoy import Envoy

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _plan(*stored: tuple[str, int, RouteDocument | None]) -> GatewayPlan:
    routes = {name: StoredRoute(name, version, fence(1), wanted) for name, version, wanted in stored}
    return plan_gateway(SETTINGS, routes, {}, NOW)


class Private(RoutePlan):
    """A route's plan that nobody may look at once it is closed."""

    closed = False

    def __getattribute__(self, name: str) -> Any:
        """As any other's, until then."""
        assert not Private.closed, f"{name} of an unchanged route was looked at"
        return super().__getattribute__(name)


def _game(**changes: Any) -> RouteDocument:
    return document(route="game", hosts=("game.example",), **changes)


def test_change_is_made_before_it_is_used() -> None:
    """A starting Envoy gets clusters, endpoints, listener, routes, in this order, and its word is noted."""
    envoy = Envoy()
    envoy.exchange(_plan(("shop", 1, document())))
    assert [entry[0] for entry in envoy.log] == ["cds", "eds", "lds", "rds"]
    assert envoy.conversation.take_changes()["shop"].applied == 1
    assert envoy.conversation.take_changes() == {}


def test_empty_plan_sends_no_removal() -> None:
    """A starting Envoy of a gateway without routes gets empty answers, so that it need not wait."""
    envoy = Envoy()
    envoy.exchange(_plan())
    assert sorted(envoy.log) == [("cds", (), ()), ("lds", (), ())]


def test_clusters_go_after_the_routes_that_named_them() -> None:
    """A dropped side's cluster is removed only after the new routes are acknowledged and the lingering is over."""
    envoy = Envoy()
    envoy.exchange(_plan(("shop", 1, document({"a": 50, "b": 50}))))
    envoy.log.clear()
    later = _plan(("shop", 2, document({"b": 100}, epoch="e2")))
    envoy.exchange(later)
    assert envoy.log == [("rds", ("shop",), ())]
    envoy.now += 16.0
    envoy.exchange(later)
    assert envoy.log[1:] == [("cds", (), ("shop/http/a",))]


def test_side_that_comes_back_while_it_lingers_stays() -> None:
    """Going back before the lingering is over finds the old side's cluster as it was."""
    envoy = Envoy()
    envoy.exchange(_plan(("shop", 1, document({"a": 50, "b": 50}))))
    envoy.exchange(_plan(("shop", 2, document({"b": 100}, epoch="e2"))))
    envoy.now += 5.0
    back = _plan(("shop", 3, document({"a": 100, "b": 0}, epoch="e3")))
    envoy.exchange(back)
    envoy.now += 60.0
    envoy.exchange(back)
    assert not any(removed for _, _, removed in envoy.log)


def test_reconnecting_envoy_is_sent_nothing_it_has() -> None:
    """What it brings counts; its versions are noted as applied."""
    plan = _plan(("shop", 1, document()))
    first = Envoy()
    first.exchange(plan)
    again = Envoy(first)
    again.exchange(plan)
    assert [entry for entry in again.log if entry[1] or entry[2]] == []
    assert again.conversation.take_changes()["shop"].applied == 1


def test_unknown_route_is_never_taken_away() -> None:
    """Against a database that knows nothing, or only another route, an Envoy keeps everything, listener included."""
    first = Envoy()
    first.exchange(_plan(("shop", 5, document())))
    for plan in (_plan(), _plan(("game", 1, _game()))):
        again = Envoy(first)
        again.exchange(plan)
        again.now += 100.0
        again.exchange(plan)
        assert not any(removed for _, _, removed in again.log)
        assert "lds" not in {name for name, sent, _ in again.log if sent}
        stand = again.conversation.take_changes()["shop"]
        assert (stand.applied, stand.held) == (0, 5)
    first.exchange(_plan(("game", 1, _game())))
    assert not any(removed for _, _, removed in first.log)
    assert "game" in first.versions(RDS)


def test_older_version_is_never_sent() -> None:
    """A gateway that holds a newer version than the database keeps it, says so, and takes the next one above."""
    first = Envoy()
    first.exchange(_plan(("shop", 9, document({"b": 100}, epoch="e9"))))
    again = Envoy(first)
    again.exchange(_plan(("shop", 4, document({"a": 100}, epoch="e4"))))
    assert again.versions(RDS) == first.versions(RDS)
    assert again.versions(EDS) == first.versions(EDS)
    stand = again.conversation.take_changes()["shop"]
    assert (stand.applied, stand.rejected, stand.held) == (0, 4, 9)
    again.exchange(_plan(("shop", 10, document({"a": 100}, epoch="e10"))))
    assert again.versions(RDS)["shop"].startswith("10-")


def test_removed_route_goes_in_order() -> None:
    """First the listener without it, then its clusters; the last route takes the listener with it."""
    envoy = Envoy()
    envoy.exchange(_plan(("game", 1, _game()), ("shop", 1, document())))
    envoy.log.clear()
    envoy.exchange(_plan(("game", 1, _game()), ("shop", 2, None)))
    assert envoy.log == [("lds", (LISTENER,), ()), ("cds", (), ("shop/http/a",))]
    envoy.log.clear()
    envoy.exchange(_plan(("game", 2, None), ("shop", 2, None)))
    assert envoy.log == [("lds", (), (LISTENER,)), ("cds", (), ("game/http/a",))]


def test_refused_routes_name_their_route_alone() -> None:
    """A refusal is noted with Envoy's words for its own version; it is not sent again, and the next version is."""
    envoy = Envoy()
    envoy.exchange(_plan(("game", 1, _game()), ("shop", 1, document())))
    envoy.conversation.take_changes()
    envoy.refuses["shop"] = "no such thing"
    plan = _plan(("game", 2, _game(epoch="e2")), ("shop", 2, document(epoch="e2")))
    envoy.log.clear()
    envoy.exchange(plan)
    envoy.exchange(plan)
    assert sorted(envoy.log) == [("rds", ("game",), ()), ("rds", ("shop",), ())]
    changes = envoy.conversation.take_changes()
    assert (changes["game"].applied, changes["game"].rejected) == (2, 0)
    assert (changes["shop"].applied, changes["shop"].rejected) == (1, 2)
    assert changes["shop"].reason == "route: no such thing"
    envoy.refuses.clear()
    envoy.exchange(_plan(("game", 2, _game(epoch="e2")), ("shop", 3, document(epoch="e3"))))
    assert envoy.conversation.take_changes()["shop"].applied == 3


def test_refused_clusters_of_many_are_sorted_out() -> None:
    """When the first message is refused, each route is tried alone: only the bad one's is refused, others are served."""
    envoy = Envoy()
    envoy.refuses["shop/http/a"] = "bad cluster"
    plan = _plan(("game", 1, _game()), ("shop", 1, document()))
    envoy.exchange(plan)
    assert set(envoy.versions(RDS)) == {"game"}
    changes = envoy.conversation.take_changes()
    assert changes["game"].applied == 1
    assert (changes["shop"].applied, changes["shop"].rejected) == (0, 1)
    again = _plan(("game", 1, _game()), ("shop", 2, document(epoch="e2")))
    envoy.exchange(again)
    assert envoy.conversation.take_changes()["shop"].rejected == 2


def test_other_settings_are_a_change_of_the_listener() -> None:
    """An instance that shall bind elsewhere is told so, although no route's chain changed."""
    stored = {"shop": StoredRoute("shop", 1, fence(1), document())}
    before = plan_gateway(SETTINGS, stored, {}, NOW)
    envoy = Envoy()
    envoy.exchange(before)
    envoy.log.clear()
    elsewhere = SETTINGS.model_copy(update={"listener": Listener(bind=Endpoint(host="0.0.0.0", port=443))})
    envoy.exchange(plan_gateway(elsewhere, stored, {}, NOW, earlier=before))
    assert envoy.log == [("lds", (LISTENER,), ())]


def test_a_change_looks_at_no_other_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pushing one route's new version, and hearing its acknowledgement, costs the same however many routes there are."""
    before = _plan(("game", 1, _game()), ("shop", 1, document()))
    private = Private(**vars(before.routes["game"]))
    before = replace(before, routes={**before.routes, "game": private})
    envoy = Envoy()
    envoy.exchange(before)
    envoy.log.clear()
    changed = _plan(("shop", 2, document(epoch="e2")))
    monkeypatch.setattr(Private, "closed", True)
    envoy.exchange(replace(before, routes={**changed.routes, "game": private}))
    envoy.now += 1.0
    envoy.exchange(replace(before, routes={**changed.routes, "game": private}))
    assert envoy.log == [("rds", ("shop",), ())]


def test_one_listener_follows_another() -> None:
    """While a listener is on its way, routes that become ready gather for the next one."""
    envoy = Envoy()
    names = ("a", "b", "c", "d")
    plan = _plan(*((name, 1, document(route=name, hosts=(f"{name}.example",))) for name in names))
    while set(envoy.versions(RDS)) != set(names):
        envoy.listen(plan)
        assert sum(response.type_url == LDS for response in envoy.unread) <= 1
        envoy.answer(1)
    assert sum(entry[0] == "lds" for entry in envoy.log) < len(names)
