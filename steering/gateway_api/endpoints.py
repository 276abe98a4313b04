# SPDX-License-Identifier: Apache-2.0
"""Where an instance listens, as a Service without a selector and EndpointSlices of ours. Pure.

An EndpointSlice has one family and one port for all of its endpoints, so there is one for each pair of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any

from steering.gateway_api import names
from steering.gateway_api.record import text
from steering.gateway_api.rendering import SERVICE_PORT
from steering.model import Backend, Endpoint, Fence, Port, Protocol, RouteDocument

Json = dict[str, Any]

DOCUMENTED, WRITER = f"{names.PREFIX}/endpoints", f"{names.PREFIX}/fence"
PORT, INSTANCE = f"{names.PREFIX}/port", f"{names.PREFIX}/instance"
_H2C = "kubernetes.io/h2c"
"""`appProtocol` of what speaks HTTP/2 without TLS (GEP-1911)."""


@dataclass(frozen=True)
class Wanted:
    """One Service that a document needs."""

    name: str
    route: str
    instance: str
    port: Port
    endpoints: tuple[Endpoint, ...]
    """As documented."""


def wanted(document: RouteDocument) -> Mapping[str, Wanted]:
    """Every Service that a document needs, by name."""
    return {one.name: one for port in document.ports for one in _of_port(document, port)}


def service(one: Wanted, gateway: str, namespace: str, fence: Fence, owner: Json | None) -> Json:
    """A Service as it is sent."""
    port: Json = {"name": one.port.name, "port": SERVICE_PORT, "protocol": "TCP"}
    if one.port.protocol is Protocol.GRPC:
        port["appProtocol"] = _H2C
    marks = {PORT: one.port.name, INSTANCE: one.instance, WRITER: text(fence), DOCUMENTED: documented(one.endpoints)}
    metadata = {
        "name": one.name,
        "namespace": namespace,
        "labels": dict(names.labels(gateway, one.route, one.instance)),
        "annotations": marks,
        "ownerReferences": [owner] if owner else [],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [port]}}


def slices(of: Mapping[str, Any], endpoints: Sequence[Endpoint]) -> list[Json]:
    """The EndpointSlices of a Service of ours, for these endpoints.

    Their names do not say where anything listens, so that a move is the change of an object and not another object.
    """
    meta, found = of["metadata"], []
    groups: dict[tuple[str, int], list[Endpoint]] = {}
    for one in _in_order(endpoints):
        groups.setdefault((family(one.host), one.port), []).append(one)
    for number, ((kind, port), members) in enumerate(groups.items()):
        metadata = {
            "name": f"{meta['name']}-{kind.lower()}-{number}",
            "namespace": meta["namespace"],
            "labels": {**meta["labels"], **names.slice_labels(meta["name"])},
            "annotations": {WRITER: meta["annotations"][WRITER]},
            "ownerReferences": meta.get("ownerReferences") or [],
        }
        found.append(
            {
                "apiVersion": names.ENDPOINT_SLICE.api_version,
                "kind": names.ENDPOINT_SLICE.name,
                "metadata": metadata,
                "addressType": kind,
                # A slice's port is found by the Service's port name.
                "ports": [{"name": meta["annotations"][PORT], "port": port, "protocol": "TCP"}],
                "endpoints": [_endpoint(one.host) for one in members],
            }
        )
    return found


def owner(found: Mapping[str, Any]) -> Json:
    """The reference by which a route owns what it needs: when it goes, that goes."""
    metadata = found["metadata"]
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], "name": metadata["name"], "uid": metadata["uid"]}


def documented(endpoints: Sequence[Endpoint]) -> str:
    """Endpoints as a Service remembers what its document said; they may have moved since."""
    return json.dumps([str(one) for one in _in_order(endpoints)])


def family(host: str) -> str:
    """`IPv4` or `IPv6`."""
    return "IPv6" if isinstance(ip_address(host), IPv6Address) else "IPv4"


def why_not(endpoint: Endpoint) -> str | None:
    """Why an EndpointSlice may not hold this endpoint; None if it may."""
    try:
        address = ip_address(endpoint.host)
    except ValueError:
        return f"{endpoint.host} must be an IP address: EndpointSlices hold no names that gateways would resolve"
    if address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast:
        return f"{endpoint.host} leads nowhere from another machine: EndpointSlices refuse such addresses"
    return None


def _in_order(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    return sorted(endpoints, key=lambda one: (one.port, one.host))


def _of_port(document: RouteDocument, port: Port) -> Iterator[Wanted]:
    probed = {path.backend for path in document.probe_paths}
    for backend in document.backends:
        yield _wanted(document, backend, port, probes=False)
        if backend.name in probed:
            # Gateways count by Service, and probes must not move the side's counters.
            yield _wanted(document, backend, port, probes=True)


def _wanted(document: RouteDocument, backend: Backend, port: Port, *, probes: bool) -> Wanted:
    name = names.service(document.route, backend.instance, port.name, probes=probes)
    return Wanted(name, document.route, backend.instance, port, backend.endpoints[port.name])


def _endpoint(host: str) -> Json:
    # Without a word on readiness Traefik answers 503 (measured with 3.7.15).
    return {"addresses": [host], "conditions": {"ready": True, "serving": True, "terminating": False}}
