# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from steering.gateway_api import names
from steering.gateway_api.rendering import parent, rules, written
from steering.gateway_api.settings import Parent
from steering.model import Port
from tests.unit.steering.documents import GRPC, HTTP
from tests.unit.steering.gateway_api.objects import SETTINGS, TOKEN, document, probe_path, settings, stored


def _headers(filters: list[dict[str, Any]]) -> dict[str, str]:
    found = [one["responseHeaderModifier"] for one in filters if "responseHeaderModifier" in one]
    return {header["name"]: header["value"] for one in found for header in one["set"]}


def test_one_rule_for_each_port_carries_the_epoch_and_every_side() -> None:
    """A side without weight stays, with weight 0, so that it is there before it is used."""
    rule = rules(document({"a": 100, "b": 0}, epoch="e7"), SETTINGS)[0]
    assert rule["name"] == "relocate.production.http"
    assert _headers(rule["filters"]) == {"x-relocate-epoch": "e7"}
    assert [(one["weight"], _headers(one["filters"])) for one in rule["backendRefs"]] == [
        (100, {"x-relocate-side": "a"}),
        (0, {"x-relocate-side": "b"}),
    ]


def test_a_probe_path_is_a_rule_of_its_own_with_services_of_its_own() -> None:
    """Gateways count by Service, so what probes use is used by nobody else; rules for everybody keep their places."""
    production, probe, *others = rules(document(probe_paths=(probe_path(),)), SETTINGS)
    assert [production, *others] == rules(document(), SETTINGS)
    assert probe["matches"][0]["headers"] == [{"type": "Exact", "name": "x-relocate-probe", "value": TOKEN}]
    (reference,) = probe["backendRefs"]
    assert reference["name"] not in {one["name"] for one in production["backendRefs"]}
    assert _headers(reference["filters"]) == {"x-relocate-side": "b"}


def test_applications_get_no_token_and_have_no_say_in_our_headers() -> None:
    """What identifies probes and writes is taken from requests on every rule."""
    for rule in rules(document(probe_paths=(probe_path(),)), SETTINGS)[:-1]:
        removed = rule["filters"][0]["requestHeaderModifier"]["remove"]
        assert {"x-relocate-probe", "x-relocate-epoch", "x-relocate-side"} == set(removed)


def test_every_port_has_rules_under_its_prefix() -> None:
    """GRPC is an HTTP rule as any other, so that one write changes all ports at once."""
    found = rules(document(ports=(HTTP, GRPC), probe_paths=(probe_path(),)), SETTINGS)
    assert [(rule["name"], rule["matches"][0]["path"]["value"]) for rule in found] == [
        ("relocate.production.http", "/"),
        ("relocate.production.grpc", "/demo.Echo/"),
        ("relocate.probe.http.0", "/"),
        ("relocate.probe.grpc.0", "/demo.Echo/"),
        ("relocate.events.http", "/"),
        ("relocate.epoch", "/"),
    ]


def test_the_gateway_itself_tells_the_epoch() -> None:
    """By a redirect that needs no application and has another host for each write."""
    first, second = (rules(document(epoch=epoch), SETTINGS)[-1] for epoch in ("e1", "e2"))
    assert "backendRefs" not in first
    assert first["matches"][0]["headers"] == [{"type": "Exact", "name": "x-relocate-probe", "value": "epoch"}]
    hosts = [rule["filters"][0]["requestRedirect"]["hostname"] for rule in (first, second)]
    assert hosts == [names.host_of("e1"), names.host_of("e2")]
    assert all(host.endswith(".invalid") and len(host) <= 253 for host in hosts)


@pytest.mark.parametrize(("seconds", "rendered"), [(15.0, "15s"), (0.25, "250ms"), (1.5, "1s500ms"), (0.0001, "1ms")])
def test_requests_have_a_time_out_and_streams_have_none(seconds: float, rendered: str) -> None:
    """Any gRPC call may be a stream; streams of events ask for themselves; WebSockets are exempt in gateways."""
    found = {rule["name"]: rule for rule in rules(document(ports=(HTTP, GRPC), timeout_seconds=seconds), SETTINGS)}
    assert {name: rule["timeouts"]["request"] for name, rule in found.items() if "timeouts" in rule} == {
        "relocate.production.http": rendered,
        "relocate.production.grpc": "0s",
        "relocate.events.http": "0s",
    }
    production, events = found["relocate.production.http"], found["relocate.events.http"]
    assert events["matches"][0]["headers"] == [{"type": "Exact", "name": "accept", "value": "text/event-stream"}]
    assert (events["filters"], events["backendRefs"]) == (production["filters"], production["backendRefs"])


def test_without_filters_of_backends_a_rule_names_the_side_while_there_is_one() -> None:
    """In between an application could name itself, so its word is taken away."""
    on_rule = settings(side="rule")
    whole, shared = (rules(document(weights), on_rule)[0] for weights in ({"a": 100, "b": 0}, {"a": 50, "b": 50}))
    assert _headers(whole["filters"]) == {"x-relocate-epoch": "e1", "x-relocate-side": "a"}
    assert shared["filters"][1]["responseHeaderModifier"]["remove"] == ["x-relocate-side"]
    assert all("filters" not in one for rule in (whole, shared) for one in rule["backendRefs"])


def test_what_is_not_ours_stays_as_it_is() -> None:
    """Other rules in their order, other parents, other fields; ours are replaced where they stood."""
    found = stored(document(epoch="e1", probe_paths=(probe_path(),)))
    others = [{"name": "first", "backendRefs": []}, {"backendRefs": []}]
    found["spec"]["rules"] = [others[0], *found["spec"]["rules"], others[1]]
    found["spec"]["parentRefs"].insert(0, {"name": "other"})
    found["spec"]["useDefaultGateways"] = "None"
    later = document(epoch="e2")
    sent = written(found, later, rules(later, SETTINGS), SETTINGS)
    assert sent["spec"]["rules"] == [others[0], *rules(document(epoch="e2"), SETTINGS), others[1]]
    assert sent["spec"]["parentRefs"] == found["spec"]["parentRefs"]
    assert sent["spec"]["useDefaultGateways"] == "None"


def test_a_parent_is_named_as_the_api_server_stores_it() -> None:
    """A Gateway beside the route needs no namespace."""
    whole = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}
    assert parent(Parent(name="edge"), "apps") == whole
    assert parent(Parent(name="edge", namespace="apps"), "apps") == whole
    away = parent(Parent(name="edge", namespace="infra", listener="https"), "apps")
    assert away == {**whole, "namespace": "infra", "sectionName": "https"}


def test_hosts_are_compared_in_lower_case() -> None:
    """The Gateway API takes no other; each stands once."""
    twice = document(hosts=("Shop.Example", "shop.example"))
    sent = written(stored(document()), twice, rules(twice, SETTINGS), SETTINGS)
    assert sent["spec"]["hostnames"] == ["shop.example"]


def test_a_port_without_a_prefix_takes_everything() -> None:
    """As the API server would fill it in."""
    rule = rules(document(ports=(Port(name="http"),)), SETTINGS)[0]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]


@pytest.mark.parametrize(
    ("prefix", "match"),
    [
        ("/", {}),
        ("/demo.Echo/", {"method": {"type": "Exact", "service": "demo.Echo"}}),
    ],
)
def test_a_grpc_route_matches_by_service(prefix: str, match: dict[str, Any]) -> None:
    """It carries epoch, sides and probe paths as an HTTPRoute does, and has neither time-outs nor an answer of its own."""
    doc = document(ports=(GRPC.model_copy(update={"prefix": prefix}),), probe_paths=(probe_path(),), epoch="e7")
    found = rules(doc, settings(kind="GRPCRoute"))
    assert [rule["name"] for rule in found] == ["relocate.production.grpc", "relocate.probe.grpc.0"]
    assert [rule["matches"][0].get("method") for rule in found] == [match.get("method")] * 2
    assert [_headers(rule["filters"]) for rule in found] == [{"x-relocate-epoch": "e7"}] * 2
    assert not any("timeouts" in rule for rule in found)
