# SPDX-License-Identifier: Apache-2.0
"""What speaks against a document: by itself, on a Gateway, beside other HTTPRoutes."""

from typing import Any

import pytest
from pydantic import ValidationError

from steering.adapters.gateway_api import GatewayApiAdapter
from steering.gateway_api import checks, conditions, listeners, neighbours
from steering.model import Port, Problem
from tests.unit.steering.documents import GRPC, HTTP, backend
from tests.unit.steering.gateway_api.objects import SETTINGS, document, probe_path, settings, stored

MANY = tuple(Port(name=f"p{number}", prefix=f"/{number}") for number in range(9))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("failover", {"failover": True}),
        ("epoch", {"epoch": "two\nlines"}),
        ("epoch", {"epoch": "e1 "}),
        ("hosts.0", {"hosts": ("*.example",)}),
        ("hosts", {"hosts": tuple(f"h{number}.test" for number in range(17))}),
        ("ports.one.prefix", {"ports": (Port(name="one", prefix="/a"), Port(name="two", prefix="/a/"))}),
        ("ports.http.health", {"ports": (Port(name="http", health="healthz"),)}),
        ("ports", {"ports": MANY, "probe_paths": (probe_path(),)}),
        ("document", {"epoch": "e", "hosts": ("h.test",), "ports": (Port(name="http", retry_safe=("G" * 250_000,)),)}),
    ],
)
def test_a_document_that_no_gateway_of_this_kind_can_carry(field: str, changes: dict[str, Any]) -> None:
    """Each problem names its field."""
    assert field in {problem.field for problem in checks.problems(document(**changes), SETTINGS) if problem.fatal}


@pytest.mark.parametrize(
    ("field", "port"),
    [
        ("ports.http.protocol", HTTP),
        ("ports.grpc.prefix", GRPC.model_copy(update={"prefix": "/demo.Echo/Say"})),
        ("ports.grpc.prefix", GRPC.model_copy(update={"prefix": "/demo.Echo"})),
    ],
)
def test_a_grpc_route_carries_services_alone(field: str, port: Port) -> None:
    """It has no paths, and no HTTP; an HTTPRoute would carry both."""
    doc = document(ports=(port,))
    assert {problem.field for problem in checks.problems(doc, settings(kind="GRPCRoute"))} >= {field}
    good = document(ports=(GRPC,), probe_paths=(probe_path(),))
    assert list(checks.problems(good, settings(kind="GRPCRoute"))) == []


def test_kinds_that_can_prove_nothing_are_refused() -> None:
    """No answer of a TCPRoute says by which write it came, nor one of Traefik's GRPCRoutes; and status proves nothing."""
    for kind in ("TCPRoute", "TLSRoute"):
        with pytest.raises(ValidationError, match="kind"):
            settings(kind=kind)
    told = settings(kind="GRPCRoute", implementation="traefik").model_dump(mode="json")
    with pytest.raises(ValueError, match="no answer has an epoch"):
        GatewayApiAdapter.open("edge", told, database_url="")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "169.254.1.1", "0.0.0.0", "224.0.0.1"])
def test_endpoints_that_no_slice_may_hold(host: str) -> None:
    """The API server would refuse them, and with them the whole write."""
    (problem,) = checks.problems(document({"a": 100}, backends=(backend("a", host=host),)), SETTINGS)
    assert problem.field == "backends.a.endpoints.http"
    assert host in problem.reason


def test_a_good_document_has_no_problem() -> None:
    """Two sides, two families."""
    sides = (backend("a", host="192.0.2.1"), backend("b", host="2001:db8::1"))
    assert list(checks.problems(document(backends=sides, probe_paths=(probe_path(),)), SETTINGS)) == []


def gateway(*found: dict[str, Any], namespace: str = "infra") -> dict[str, Any]:
    """A Gateway with these listeners."""
    usual = {"name": "https", "protocol": "HTTPS", "allowedRoutes": {"namespaces": {"from": "All"}}}
    return {
        "metadata": {"name": "edge", "namespace": namespace},
        "spec": {"listeners": [usual | one for one in found]},
    }


def _reasons(found: dict[str, Any], **changes: Any) -> list[Problem]:
    return list(listeners.problems(found, ["shop.example"], settings(**changes), {"team": "shop"}))


@pytest.mark.parametrize(
    "listener",
    [
        {},
        {"hostname": "shop.example"},
        {"hostname": "*.example"},
        {"allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "shop"}}}}},
        {
            "allowedRoutes": {
                "kinds": [{"kind": "HTTPRoute"}],
                "namespaces": {
                    "from": "Selector",
                    "selector": {"matchExpressions": [{"key": "team", "operator": "In", "values": ["shop"]}]},
                },
            }
        },
    ],
)
def test_a_listener_that_takes_the_route(listener: dict[str, Any]) -> None:
    """Any host, the same host, its wildcard; any namespace, or one that is chosen by label."""
    assert _reasons(gateway(listener)) == []


@pytest.mark.parametrize(
    ("listener", "told"),
    [
        ({"hostname": "other.example"}, "no listener of the Gateway takes shop.example"),
        ({"hostname": "*.shop.example"}, "no listener of the Gateway takes shop.example"),
        ({"protocol": "TLS"}, "its protocol is TLS"),
        ({"allowedRoutes": {"kinds": [{"kind": "GRPCRoute"}]}}, "takes only GRPCRoute"),
        ({"allowedRoutes": {}}, "takes routes of namespace infra only"),
        ({"allowedRoutes": {"namespaces": {"from": "None"}}}, "takes no routes"),
        (
            {"allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "b"}}}}},
            "does not pick",
        ),
        (
            {
                "allowedRoutes": {
                    "namespaces": {
                        "from": "Selector",
                        "selector": {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]},
                    }
                }
            },
            "does not pick",
        ),
    ],
)
def test_a_listener_that_does_not_take_the_route(listener: dict[str, Any], told: str) -> None:
    """The reason says which and why."""
    (problem,) = _reasons(gateway(listener))
    assert problem.fatal
    assert told in problem.reason


def test_a_named_listener_must_be_there() -> None:
    """Another listener of the Gateway does not count."""
    (problem,) = _reasons(gateway({}), gateway={"name": "edge", "namespace": "infra", "listener": "web"})
    assert problem.field == "gateway.listener"


def test_what_the_controller_says_of_a_listener_stops_nobody() -> None:
    """It may be late; it is told all the same."""
    found = gateway({})
    condition = {"type": "ResolvedRefs", "status": "False", "message": "no Secret"}
    found["status"] = {"listeners": [{"name": "https", "conditions": [condition]}]}
    (problem,) = _reasons(found)
    assert (problem.fatal, problem.reason) == (False, "listener https is not ResolvedRefs: no Secret")


def _neighbour(name: str, hosts: list[str], on: str = "edge") -> dict[str, Any]:
    reference = {"name": on, "namespace": "infra"}
    return {
        "kind": "HTTPRoute",
        "metadata": {"namespace": "apps", "name": name},
        "spec": {"parentRefs": [reference], "hostnames": hosts},
    }


def test_a_host_belongs_to_one_route_of_a_gateway() -> None:
    """A wildcard or no host at all gives way to ours; a route of another Gateway is nobody's neighbour."""
    doc = document(hosts=("shop.example",))
    routes = [_neighbour("wide", ["*.example"]), _neighbour("all", []), _neighbour("away", ["shop.example"], on="x")]
    assert list(neighbours.problems(routes, doc, "edge", SETTINGS)) == []
    (problem,) = neighbours.problems([_neighbour("taken", ["shop.example"])], doc, "edge", SETTINGS)
    assert (problem.field, problem.fatal) == ("hosts", True)
    assert "apps/taken" in problem.reason


def test_a_route_that_is_not_ours_is_not_written() -> None:
    """Whoever wants it to be ours adopts it first; two gateways need two namespaces."""
    doc = document()
    (problem,) = neighbours.problems([_neighbour("shop", [])], doc, "edge", SETTINGS)
    assert (problem.field, "adopt it first" in problem.reason) == ("route", True)
    assert list(neighbours.problems([stored(doc)], doc, "edge", SETTINGS)) == []
    (problem,) = neighbours.problems([stored(doc)], doc, "other", SETTINGS)
    assert "is written by gateway edge, not by other" in problem.reason


def _condition(kind: str, status: str, generation: int = 1) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": "R", "message": "m", "observedGeneration": generation}


def _with_status(*found: dict[str, Any]) -> dict[str, Any]:
    reference = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge", "namespace": "infra"}
    other = {"parentRef": {"name": "other"}, "conditions": [_condition("Accepted", "False")]}
    return stored(document(), status={"parents": [other, {"parentRef": reference, "conditions": list(found)}]})


@pytest.mark.parametrize(
    ("found", "refused", "complaint"),
    [
        ([], False, "no controller has looked"),
        ([_condition("Accepted", "True")], False, None),
        ([_condition("Accepted", "True", 0)], False, "has not seen generation 1"),
        ([_condition("Accepted", "False")], True, "Accepted=False, R: m"),
        ([_condition("Accepted", "False", 0)], False, "Accepted=False"),
        ([_condition("Accepted", "True"), _condition("ResolvedRefs", "False")], False, "ResolvedRefs=False"),
        ([_condition("PartiallyInvalid", "True")], False, "PartiallyInvalid=True"),
    ],
)
def test_conditions_name_what_is_wrong(found: list[dict[str, Any]], refused: bool, complaint: str | None) -> None:
    """Only a refusal of this very generation is one; what is said of other parents is not about us."""
    route = _with_status(*found)
    assert (conditions.refusal(route, SETTINGS) is not None) == refused
    told = conditions.complaint(route, SETTINGS)
    assert (told is None) if complaint is None else (complaint in str(told))
