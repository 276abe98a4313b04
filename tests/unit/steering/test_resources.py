# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from pydantic import ValidationError

from steering.envoy.plan import GatewayPlan, plan_gateway, plan_route
from steering.envoy.settings import ControlSettings, GatewaySettings
from steering.envoy.statistics import pattern, usage
from steering.envoy.xds import content, route_version
from steering.model import Endpoint, ProbePath, RouteDocument
from steering.store.routes import StoredRoute
from tests.unit.steering.documents import GRPC, HTTP, SETTINGS, backend, document, fence

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATH = ProbePath(backend="b", token="t" * 20, expires_at=NOW + timedelta(seconds=60))


def _body(resource: Any) -> dict[str, Any]:
    return dict(MessageToDict(resource.body, preserving_proto_field_name=True))


def _routes(wanted: RouteDocument, version: int = 7) -> list[dict[str, Any]]:
    body = _body(plan_route(wanted, version, SETTINGS, {}, NOW).routing)
    return list(body["virtual_hosts"][0]["routes"])


def test_clusters_of_a_prepared_route() -> None:
    """Each side has a cluster per port; only the probed side has one for probes; nothing else is there."""
    plan = plan_route(document({"a": 100, "b": 0}, ports=(HTTP, GRPC), probe_paths=(PATH,)), 7, SETTINGS, {}, NOW)
    sides = {f"shop/{port}/{side}" for port in ("http", "grpc") for side in ("a", "b")}
    assert set(plan.clusters) == sides | {"shop/http/b/probe", "shop/grpc/b/probe"}
    assert set(plan.endpoints) == set(plan.clusters)


def test_side_clusters_do_not_change_in_a_relocation() -> None:
    """Whatever a relocation writes, a side's cluster is the same: changing it would cost requests."""
    states = [
        document({"a": 100}),
        document({"a": 100, "b": 0}, probe_paths=(PATH,), epoch="e2"),
        document({"a": 50, "b": 50}, failover=True, epoch="e3"),
        document({"a": 0, "b": 100}, epoch="e4", timeout_seconds=5),
    ]
    plans = [plan_route(state, number, SETTINGS, {}, NOW) for number, state in enumerate(states, 1)]
    assert len({plan.clusters["shop/http/a"].version for plan in plans}) == 1
    assert len({content(plan.endpoints["shop/http/a"].version) for plan in plans}) == 1
    assert [route_version(plan.routing.version) for plan in plans] == [1, 2, 3, 4]


def test_failover_goes_through_aggregates() -> None:
    """Both aggregates exist whatever the weights, and routes point at the chosen side's with a change of priority."""
    wanted = document({"a": 0, "b": 100}, failover=True)
    plan = plan_route(wanted, 7, SETTINGS, {}, NOW)
    assert {"shop/http/a>b", "shop/http/b>a"} <= set(plan.clusters)
    route = _routes(wanted)[-1]["route"]
    assert route["cluster"] == "shop/http/b>a"
    assert route["retry_policy"]["retry_priority"]["name"] == "envoy.retry_priorities.previous_priorities"


def test_only_safe_methods_are_retried_after_they_were_sent() -> None:
    """GET may be sent twice; what is not named safe only if it never reached an instance."""
    safe, other = _routes(document())[-2:]
    assert safe["match"]["headers"][0]["string_match"]["safe_regex"]["regex"] == "GET|HEAD|OPTIONS"
    assert "reset" in safe["route"]["retry_policy"]["retry_on"]
    assert other["route"]["retry_policy"]["retry_on"] == "connect-failure,refused-stream"


def test_safe_grpc_calls_are_named_by_path() -> None:
    """A call named safe has the request time-out and is retried; every other may be a stream and has neither."""
    safe, other = _routes(document(ports=(GRPC,)))
    assert safe["match"] == {"path": "/demo.Echo/Say"}
    assert safe["route"]["timeout"] == "15s"
    assert "unavailable" in safe["route"]["retry_policy"]["retry_on"]
    assert other["route"]["timeout"] == "0s"


def test_longest_prefix_is_matched_first() -> None:
    """Ports are tried from the most specific prefix on."""
    prefixes = [route["match"].get("prefix") for route in _routes(document(ports=(HTTP, GRPC)))]
    assert prefixes == [None, "/demo.Echo/", "/", "/", "/", "/"]


def test_weights_share_and_zero_gets_nothing() -> None:
    """Only sides with weight are named by a route."""
    shared = _routes(document({"a": 30, "b": 70}))[-1]["route"]["weighted_clusters"]["clusters"]
    assert shared == [{"name": "shop/http/a", "weight": 30}, {"name": "shop/http/b", "weight": 70}]
    assert _routes(document({"a": 100, "b": 0}))[-1]["route"]["cluster"] == "shop/http/a"


def test_expired_probe_path_is_not_rendered() -> None:
    """From its moment on a probe path is as if it had never been, without a new route version."""
    wanted = document({"a": 100, "b": 0}, probe_paths=(PATH,))
    before = plan_route(wanted, 7, SETTINGS, {}, PATH.expires_at - timedelta(seconds=1))
    after = plan_route(wanted, 7, SETTINGS, {}, PATH.expires_at)
    assert set(before.clusters) - set(after.clusters) == {"shop/http/b/probe"}
    assert before.routing.version != after.routing.version
    assert route_version(before.routing.version) == route_version(after.routing.version) == 7
    stored = {"shop": StoredRoute("shop", 7, fence(1), wanted)}
    assert plan_gateway(SETTINGS, stored, {}, NOW).expires_at == PATH.expires_at
    assert plan_gateway(SETTINGS, stored, {}, PATH.expires_at).expires_at is None


def test_epoch_cannot_smuggle_a_command() -> None:
    """A percent sign in an epoch is text, not one of Envoy's format commands."""
    body = _body(plan_route(document(epoch="%HOSTNAME%"), 7, SETTINGS, {}, NOW).routing)
    assert body["response_headers_to_add"][0]["header"]["value"] == "%%HOSTNAME%%"


def test_moved_endpoints_replace_the_documents() -> None:
    """Where an instance listens now counts, under the same route version."""
    plan = plan_route(document(), 7, SETTINGS, {"a-1": {"http": (Endpoint(host="10.0.0.9", port=9),)}}, NOW)
    body = _body(plan.endpoints["shop/http/a"])
    address = body["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    assert (address["address"], address["port_value"]) == ("10.0.0.9", 9)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"hosts": ("*.example",)}, "hosts.0"), ({"backends": (backend("a", host="app.local"),)}, "backends.a.endpoints")],
)
def test_unrenderable_route_is_named_and_leaves_others_alone(changes: dict[str, Any], named: str) -> None:
    """A document that Envoy would refuse is set aside with the field's name; other routes are planned."""
    good = document(route="game", hosts=("game.example",))
    stored = {
        "shop": StoredRoute("shop", 3, fence(1), document(**changes)),
        "game": StoredRoute("game", 1, fence(1), good),
        "gone": StoredRoute("gone", 9, fence(1), None),
    }
    plan = plan_gateway(SETTINGS, stored, {}, NOW)
    assert set(plan.routes) == {"game"}
    assert plan.broken["shop"][0] == 3
    assert named in plan.broken["shop"][1]
    assert plan.removed == {"gone": 9}


def test_listener_has_one_chain_per_route() -> None:
    """The listener binds an instance's own address; nobody else's, and none without a chain."""
    plan = GatewayPlan(SETTINGS, {"shop": plan_route(document(), 1, SETTINGS, {}, NOW)})
    chains = [one.chain for one in plan.routes.values() if one.chain is not None]
    listener = plan.listener("edge-1", chains)
    assert listener is not None
    assert [chain["filter_chain_match"] for chain in _body(listener)["filter_chains"]] == [
        {"server_names": ["shop.example"]}
    ]
    assert plan.listener("stranger", chains) is None
    assert plan.listener("edge-1", []) is None


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"instances": []}, "tls"),
        (
            {"listener": None, "instances": [{"id": "e", "address": {"host": "h", "port": 0}}]},
            "instances.0.address.port",
        ),
        ({"listener": None, "colour": "red"}, "colour"),
        ({"listener": None, "instances": [{"id": "e", "address": {"host": "h", "port": 1}}] * 2}, "once"),
    ],
)
def test_senseless_gateway_settings_are_named(settings: dict[str, Any], named: str) -> None:
    """The error names the field."""
    with pytest.raises(ValidationError, match=named):
        GatewaySettings.model_validate(settings)


def test_control_plane_needs_tls_off_loopback() -> None:
    """It refuses to listen to everybody without mutual TLS, and says what is allowed."""
    with pytest.raises(ValidationError, match="loopback"):
        ControlSettings(host="0.0.0.0")
    with pytest.raises(ValidationError, match="IP address"):
        ControlSettings(host="localhost")
    assert ControlSettings(host="::1").port == 18000


def test_usage_adds_up_ports_and_knows_what_it_does_not_know() -> None:
    """Gauges add up over ports; failures count also where Envoy books them on the aggregate; no gauges is unknown."""
    gauges = ("upstream_rq_active", "upstream_rq_pending_active", "upstream_rq_total")
    stats = [{"name": f"cluster.shop/{port}/b.{name}", "value": 5} for port in ("http", "grpc") for name in gauges]
    stats += [{"name": "cluster.shop/http/b>a.upstream_rq_5xx", "value": 2}, {"histograms": {}}]
    found = usage("edge-1", {"stats": stats}, "shop", "b", ["http", "grpc"])
    assert (found.in_flight, found.requests_total, found.errors_total) == (20, 10, 2)
    unknown = usage("edge-1", {"stats": stats[:3]}, "shop", "b", ["http", "grpc"])
    assert (unknown.in_flight, unknown.requests_total) == (None, None)
    assert "does not know shop/grpc/b" in unknown.reason
    assert "(>[^/.]+)?" in pattern("shop", "b")


def test_good_answers_after_many_failures_are_no_errors() -> None:
    """A side that was asked while it did not listen has more broken attempts than requests; what comes next is told apart."""

    def errors(sent: int) -> int | None:
        values = {"rq_active": 0, "rq_pending_active": 0, "rq_total": sent, "rq_pending_failure_eject": 30}
        stats = [{"name": f"cluster.shop/http/b.upstream_{name}", "value": value} for name, value in values.items()]
        return usage("edge-1", {"stats": stats}, "shop", "b", ["http"]).errors_total

    assert errors(sent=8) == errors(sent=4) == 30
