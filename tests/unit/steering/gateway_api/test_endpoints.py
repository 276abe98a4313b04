# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from steering.gateway_api import names
from steering.gateway_api.endpoints import documented, owner, service, slices, wanted
from steering.gateway_api.replicas import of_slice
from steering.gateway_api.settings import Service
from steering.model import Endpoint
from tests.unit.steering.documents import GRPC, HTTP, fence
from tests.unit.steering.gateway_api.objects import document, probe_path, stored

_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


@pytest.mark.parametrize("instance", ["a-1", "7", "A_b/c.d", "x" * 128, "-", "ünïcode"])
@pytest.mark.parametrize("probes", [False, True])
def test_any_instance_has_a_name_that_a_service_may_have(instance: str, probes: bool) -> None:
    """RFC 1035, at most 63 characters; and a label's value that is one."""
    assert _LABEL.fullmatch(names.service("shop", instance, "http", probes=probes))
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", names.label(instance))


def test_no_two_things_have_one_name() -> None:
    """Whatever stands where in the parts of a name."""
    made = {
        names.service("a-b", "c", "http"),
        names.service("a", "b-c", "http"),
        names.service("a", "b", "c-http"),
        names.service("a-b", "c", "http", probes=True),
        names.service("a", "x" * 100 + "1", "http"),
        names.service("a", "x" * 100 + "2", "http"),
    }
    assert len(made) == 6


def test_probed_sides_have_services_for_probes() -> None:
    """One for each port of each instance, and a twin where a probe path leads."""
    plain, probed = (
        wanted(document(ports=(HTTP, GRPC))),
        wanted(document(ports=(HTTP, GRPC), probe_paths=(probe_path(),))),
    )
    assert len(plain) == 4
    assert {one.instance for name, one in probed.items() if name not in plain} == {"b-1"}
    assert len(probed) == 6


def test_a_service_says_whose_it_is_and_what_it_speaks() -> None:
    """Marks, owner, and HTTP/2 without TLS for gRPC."""
    doc = document({"a": 100}, ports=(HTTP, GRPC))
    found = {one.port.name: service(one, "edge", "apps", fence(3), owner(stored(doc))) for one in wanted(doc).values()}
    assert "appProtocol" not in found["http"]["spec"]["ports"][0]
    assert found["grpc"]["spec"]["ports"][0]["appProtocol"] == "kubernetes.io/h2c"
    assert "selector" not in found["http"]["spec"]
    metadata = found["http"]["metadata"]
    assert metadata["ownerReferences"][0]["uid"] == "u-1"
    assert metadata["labels"] | {"steering.edge/route": "shop", "steering.edge/instance": "a-1"} == metadata["labels"]
    assert metadata["annotations"]["steering.edge/fence"] == "1.3"


def test_endpoints_are_grouped_by_family_and_port() -> None:
    """A slice has one of each for all; the port is found by name; without a word on readiness Traefik answers 503."""
    one = next(iter(wanted(document({"a": 100})).values()))
    found = slices(
        service(one, "edge", "apps", fence(1), None),
        [
            Endpoint(host="192.0.2.2", port=80),
            Endpoint(host="192.0.2.1", port=80),
            Endpoint(host="192.0.2.1", port=81),
            Endpoint(host="2001:db8::1", port=80),
        ],
    )
    assert [(s["addressType"], s["ports"][0]["port"], [e["addresses"][0] for e in s["endpoints"]]) for s in found] == [
        ("IPv4", 80, ["192.0.2.1", "192.0.2.2"]),
        ("IPv6", 80, ["2001:db8::1"]),
        ("IPv4", 81, ["192.0.2.1"]),
    ]
    assert len({s["metadata"]["name"] for s in found}) == 3
    assert all(e["conditions"]["ready"] for s in found for e in s["endpoints"])
    assert {s["metadata"]["labels"][names.SERVICE_NAME] for s in found} == {one.name}


def test_a_move_changes_an_object_and_makes_no_other() -> None:
    """Another port on another address is the same slice, so that it is replaced at once."""
    of = service(next(iter(wanted(document({"a": 100})).values())), "edge", "apps", fence(1), None)
    here, there = slices(of, [Endpoint(host="192.0.2.1", port=80)]), slices(of, [Endpoint(host="192.0.2.7", port=90)])
    assert [one["metadata"]["name"] for one in here] == [one["metadata"]["name"] for one in there]


def test_the_order_of_endpoints_says_nothing() -> None:
    """What a document says is compared without it."""
    one, other = Endpoint(host="192.0.2.1", port=80), Endpoint(host="192.0.2.2", port=80)
    assert documented([one, other]) == documented([other, one])


def test_replicas_are_those_of_the_slice_ready_or_not() -> None:
    """One that is not ready may serve those it has; its pod's name is its id."""
    found = {
        "ports": [{"name": "http", "port": 8000}, {"name": "https", "port": 8443}],
        "endpoints": [
            {"addresses": ["192.0.2.1"], "targetRef": {"name": "traefik-x"}, "conditions": {"ready": False}},
            {"addresses": ["2001:db8::1"]},
        ],
    }
    replicas = list(of_slice(found, Service(name="traefik", admin_port=9100)))
    assert [(one.id, str(one.address), str(one.admin)) for one in replicas] == [
        ("traefik-x", "192.0.2.1:8443", "192.0.2.1:9100"),
        ("2001-db8--1", "[2001:db8::1]:8443", "[2001:db8::1]:9100"),
    ]
    assert list(of_slice(found, Service(name="traefik", port="other"))) == []
