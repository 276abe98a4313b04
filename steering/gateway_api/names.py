# SPDX-License-Identifier: Apache-2.0
"""What our objects are called, and what marks them as ours."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256

from steering.kubernetes.objects import Kind
from steering.model import RouteDocument

HTTP_ROUTE = Kind("gateway.networking.k8s.io/v1", "HTTPRoute")
GRPC_ROUTE = Kind("gateway.networking.k8s.io/v1", "GRPCRoute")
GATEWAY = Kind("gateway.networking.k8s.io/v1", "Gateway")
NAMESPACE = Kind("v1", "Namespace")
SERVICE = Kind("v1", "Service")
ENDPOINT_SLICE = Kind("discovery.k8s.io/v1", "EndpointSlice")

MANAGER = "edge-relocation"
"""Field manager, and the value of `managed-by` labels."""
PREFIX = "steering.edge"
GATEWAY_MARK, ROUTE_MARK, INSTANCE_MARK = f"{PREFIX}/gateway", f"{PREFIX}/route", f"{PREFIX}/instance"
SERVICE_NAME = "kubernetes.io/service-name"
"""The label by which an EndpointSlice belongs to a Service."""
_MANAGED, _SLICE_MANAGED = "app.kubernetes.io/managed-by", "endpointslice.kubernetes.io/managed-by"

RULES = "relocate."
"""How the names of our rules begin; every other rule of an HTTPRoute is somebody else's."""

EPOCH = f"{RULES}epoch"
"""The rule by which the gateway itself tells the epoch."""
ASKS_EPOCH = "epoch"
"""What a request for that carries where a probe carries its token; a token is longer."""

_LONGEST_LABEL, _DIGEST = 63, 10
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def host_of(epoch: str) -> str:
    """The host that stands for an epoch in a redirect: of no domain that there is (RFC 2606)."""
    return f"{sha256(epoch.encode()).hexdigest()[:32]}.epoch.invalid"


def is_ours(rule: Mapping[str, object]) -> bool:
    """Whether a rule is one that we wrote."""
    return str(rule.get("name", "")).startswith(RULES)


def adopted(place: int) -> str:
    """The rule of somebody else's that stood at this place, while the route is claimed."""
    return f"{RULES}adopted.{place}"


def production(port: str) -> str:
    """The rule that takes the requests of a port."""
    return f"{RULES}production.{port}"


def events(port: str) -> str:
    """The rule that takes those requests of a port that ask for a stream of events."""
    return f"{RULES}events.{port}"


def probe(port: str, number: int) -> str:
    """The rule of one probe path; the token is a secret, so it is numbered."""
    return f"{RULES}probe.{port}.{number}"


def service(route: str, instance: str, port: str, *, probes: bool = False) -> str:
    """The Service of one port of an instance in a route, or its twin for probes.

    It depends on the instance, never on the side: a writer that is late can only write what nobody else uses.
    """
    whole = [route, instance, port, "probe" if probes else ""]
    readable = re.sub(r"[^a-z0-9-]+", "-", f"{instance}-{port}".lower()).strip("-")
    if not readable[:1].isalpha():
        readable = f"i-{readable}"
    digest = _digest(json.dumps(whole))
    suffix = f"-probe-{digest}" if probes else f"-{digest}"
    return readable[: _LONGEST_LABEL - len(suffix)].rstrip("-") + suffix


def label(text: str) -> str:
    """A label's value that stands for a text: itself where it may stand there."""
    return text if _LABEL_VALUE.fullmatch(text) else f"sha256-{sha256(text.encode()).hexdigest()[:40]}"


def labels(gateway: str, route: str, instance: str) -> Mapping[str, str]:
    """Of everything that belongs to an instance in a route."""
    return {
        _MANAGED: MANAGER,
        GATEWAY_MARK: label(gateway),
        ROUTE_MARK: label(route),
        INSTANCE_MARK: label(instance),
    }


def slice_labels(of: str) -> Mapping[str, str]:
    """What an EndpointSlice of Service `of` has on top."""
    return {SERVICE_NAME: of, _SLICE_MANAGED: MANAGER}


def of_route(gateway: str, route: str) -> str:
    """The selector of everything that belongs to a route."""
    return f"{GATEWAY_MARK}={label(gateway)},{ROUTE_MARK}={label(route)}"


def of_instance(gateway: str, instance: str) -> str:
    """The selector of everything that belongs to an instance, in any route."""
    return f"{GATEWAY_MARK}={label(gateway)},{INSTANCE_MARK}={label(instance)}"


def hosts(document: RouteDocument) -> list[str]:
    """The document's host names as they are compared: in lower case, each once."""
    return list(dict.fromkeys(host.lower() for host in document.hosts))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_DIGEST]
