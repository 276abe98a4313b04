# SPDX-License-Identifier: Apache-2.0
"""What is concluded from what replicas answer and count."""

import httpx
import pytest

from steering.gateway_api import names
from steering.gateway_api.acknowledging import judged, silent
from steering.gateway_api.asking import Told, epoch_of, path
from steering.gateway_api.implementations import contour, traefik
from steering.gateway_api.record import Record
from steering.gateway_api.routes import Standing
from steering.gateway_api.settings import Replica
from steering.listening import Knock, Listening
from steering.model import Acknowledgement, Endpoint, Port
from tests.unit.steering.documents import GRPC, HTTP, fence
from tests.unit.steering.gateway_api.objects import SETTINGS, document, stored

REPLICA = Replica(id="edge-1", address=Endpoint(host="192.0.2.1", port=443))


def _standing(**status: object) -> Standing:
    """A route at version 3; versions 1 to 3 had the epochs e1 to e3."""
    record = Record.first("edge", 1, fence(1), document(epoch="e1"))
    for number in (2, 3):
        record = record.next(number, fence(number), document(epoch=f"e{number}"))
    return Standing(stored(document(epoch="e3"), **status), record, 0.0)


@pytest.mark.parametrize(
    ("told", "asked", "state", "reason"),
    [
        (Told(200, "e3"), 3, Acknowledgement.APPLIED, ""),
        (Told(503, "e3"), 3, Acknowledgement.APPLIED, ""),
        (Told(200, "e3"), 2, Acknowledgement.APPLIED, ""),
        (Told(200, "e2"), 3, Acknowledgement.PENDING, "it still answers at version 2"),
        (Told(200, "e9"), 3, Acknowledgement.PENDING, "with epoch e9, which is none of the last"),
        (Told(404, None), 3, Acknowledgement.PENDING, "it answers 404 without an epoch"),
        (Told(200, "e3"), 4, Acknowledgement.PENDING, "it still answers at version 3"),
    ],
)
def test_an_answer_says_which_write_it_came_from(told: Told, asked: int, state: Acknowledgement, reason: str) -> None:
    """This version or a later one, whatever the status; what nobody has written is applied by nobody."""
    found = judged("edge-1", told, asked, _standing(), SETTINGS)
    assert found.state is state
    assert reason in found.reason


def test_a_refusal_counts_for_the_version_that_stands() -> None:
    """A replica that answers by it has applied it, whatever its controller says."""
    reference = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge", "namespace": "infra"}
    condition = {"type": "Accepted", "status": "False", "reason": "R", "message": "m", "observedGeneration": 1}
    refused = _standing(status={"parents": [{"parentRef": reference, "conditions": [condition]}]})
    assert judged("edge-1", Told(200, "e2"), 3, refused, SETTINGS).state is Acknowledgement.REJECTED
    assert judged("edge-1", Told(200, "e3"), 3, refused, SETTINGS).state is Acknowledgement.APPLIED
    assert judged("edge-1", Told(200, "e1"), 2, refused, SETTINGS).state is Acknowledgement.PENDING


@pytest.mark.parametrize(
    ("listening", "state"),
    [
        (Listening.REFUSES, Acknowledgement.DEAD),
        (Listening.ANSWERS, Acknowledgement.UNKNOWN),
        (Listening.UNCLEAR, Acknowledgement.UNKNOWN),
    ],
)
def test_silence_is_death_only_where_connections_are_refused(listening: Listening, state: Acknowledgement) -> None:
    """Everything else is not known."""
    found = silent("edge-1", Told(failure="ReadTimeout"), Knock(listening, "its listener ..."))
    assert (found.state, bool(found.reason)) == (state, True)


@pytest.mark.parametrize(
    ("headers", "epoch"),
    [
        ({"x-relocate-epoch": "e9"}, "e9"),
        ({"location": f"https://{names.host_of('e2')}:8443/path"}, "e2"),
        ({"location": f"https://{names.host_of('e9')}/"}, None),
        ({"location": "/elsewhere"}, None),
        ({}, None),
    ],
)
def test_an_epoch_is_read_from_a_header_or_from_a_redirect(headers: dict[str, str], epoch: str | None) -> None:
    """A redirect stands for an epoch that is remembered, or for none."""
    assert epoch_of(httpx.Headers(headers), _standing().record) == epoch


@pytest.mark.parametrize(
    ("port", "asked"),
    [
        (HTTP, "/healthz"),
        (Port(name="api", prefix="/api", health="/api/up"), "/api/up"),
        (Port(name="api", prefix="/api", health="/apiary"), "/api"),
        (GRPC, "/demo.Echo/Epoch"),
        (GRPC.model_copy(update={"prefix": "/"}), "/relocate/Epoch"),
    ],
)
def test_a_port_is_asked_for_what_it_takes(port: Port, asked: str) -> None:
    """The path by which its health is asked, where that is under its prefix; of gRPC a method that nobody has."""
    assert path(port) == asked


METRICS = """\
# TYPE traefik_service_requests_total counter
traefik_service_requests_total{code="200",method="GET",protocol="http",service="httproute-apps-shop-0-1f-svc-apps-a-1-http-d1-0@kubernetesgateway"} 34
traefik_service_requests_total{code="502",method="GET",protocol="http",service="httproute-apps-shop-0-1f-svc-apps-a-1-http-d1-0@kubernetesgateway"} 1
traefik_service_requests_total{code="200",method="GET",protocol="http",service="httproute-apps-shop-1-2f-svc-apps-a-1-http-d1-1@kubernetesgateway"} 1e+01
traefik_service_requests_total{code="200",method="GET",protocol="http",service="httproute-apps-shop-2-3f-svc-apps-a-1-http-probe-d2-0@kubernetesgateway"} 99
traefik_service_requests_total{code="200",method="GET",protocol="http",service="httproute-x-shop-0-1f-svc-x-a-1-http-d1-0@kubernetesgateway"} 99
"""


def test_traefik_counts_requests_and_not_what_is_open() -> None:
    """Of this Service wherever it stands in the route; of no other, and of none in another namespace."""
    found = traefik.counted(REPLICA, METRICS, "apps", ["a-1-http-d1"])
    assert (found.requests_total, found.errors_total, found.in_flight) == (45, 1, None)
    assert "does not count what is open" in found.reason


def test_traefik_that_counts_no_service_is_unknown() -> None:
    """It may have been started without: that is not zero."""
    found = traefik.counted(REPLICA, "go_goroutines 12\n", "apps", ["a-1-http-d1"])
    assert found.requests_total is None
    assert "addServicesLabels" in found.reason


def test_traefik_that_counts_others_has_sent_nothing_here() -> None:
    """A counter comes into being with the first request."""
    assert traefik.counted(REPLICA, METRICS, "apps", ["b-1-http-d9"]).requests_total == 0


def _statistics(**values: int) -> dict[str, int]:
    return {f"cluster.apps_a-1-http-d1_80.{name}": value for name, value in values.items()}


def test_contour_counts_by_service() -> None:
    """What is open and what waits; failed is what was answered 5xx or not at all."""
    values = {"upstream_rq_active": 2, "upstream_rq_pending_active": 1, "upstream_rq_total": 40, "upstream_rq_5xx": 3}
    found = contour.counted(REPLICA, _statistics(**values), "apps", ["a-1-http-d1"])
    assert (found.in_flight, found.requests_total, found.errors_total) == (3, 40, 3)


def test_contour_that_does_not_know_the_service_is_unknown() -> None:
    """An Envoy that knows a cluster has its gauges; without them nothing is known."""
    found = contour.counted(REPLICA, _statistics(upstream_rq_total=40), "apps", ["a-1-http-d1"])
    assert (found.in_flight, found.requests_total) == (None, None)
    assert "does not know Service apps/a-1-http-d1" in found.reason


def test_contour_that_knows_no_endpoint_has_not_heard_of_it() -> None:
    """Neither where it does not know the Service, nor where that leads nowhere yet."""
    services = ["a-1-http-d1", "b-1-http-d9"]
    assert contour.without_endpoints(_statistics(membership_total=2), "apps", services) == ["b-1-http-d9"]
    assert contour.without_endpoints(_statistics(membership_total=0), "apps", services) == services
