# SPDX-License-Identifier: Apache-2.0
"""Where an instance's named ports are reached from outside of its cluster (pure)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from relocate.clusters.kubernetes.kinds.services import belongs_to
from relocate.clusters.kubernetes.objects import at, condition
from relocate.clusters.kubernetes.settings import Reach
from steering.kubernetes.objects import Object
from steering.model import Endpoint

ADDRESS_TYPES = ("ExternalIP", "InternalIP")
"""Of a node, the first that it has."""


class Place(NamedTuple):
    """A Service, and the name or number of one of its ports."""

    service: str
    port: str | int


@dataclass(frozen=True)
class Around:
    """What is there to be reached."""

    services: Sequence[Object]
    slices: Sequence[Object]
    nodes: Sequence[str] = ()
    """Addresses of nodes; only for `Reach.NODE_PORT`."""


def reached(place: Place, reach: Reach, around: Around) -> Sequence[Endpoint]:
    """Endpoints of one port; empty where there is none yet."""
    found = find(place.port, place.service, around.services)
    return () if found is None else tuple(sorted(set(_BY_REACH[reach](*found, around)), key=str))


def find(port: str | int, service: str | None, services: Sequence[Object]) -> tuple[Object, Mapping[str, Any]] | None:
    """The Service and the entry of its `ports` with this name or number; None where there is not exactly one.

    Args:
        port: its name or number.
        service: the Service's name; None for any.
        services: where it is looked for.
    """
    found = [
        (one, entry)
        for one in services
        if service in (None, one["metadata"]["name"])
        for entry in at(one, "spec", "ports", default=())
        if port in (entry.get("name"), entry.get("port"))
    ]
    return found[0] if len(found) == 1 else None


def addresses(nodes: Sequence[Object]) -> Sequence[str]:
    """Of every node that is ready."""
    return [address for node in nodes if condition(node, "Ready").get("status") == "True" for address in _address(node)]


def _address(node: Object) -> Iterator[str]:
    by_type = {one["type"]: one["address"] for one in reversed(at(node, "status", "addresses", default=()))}
    yield from [by_type[kind] for kind in ADDRESS_TYPES if kind in by_type][:1]


def _at_nodes(service: Object, entry: Mapping[str, Any], around: Around) -> Iterator[Endpoint]:  # noqa: ARG001
    if entry.get("nodePort"):
        yield from (Endpoint(host=node, port=entry["nodePort"]) for node in around.nodes)


def _at_balancer(service: Object, entry: Mapping[str, Any], around: Around) -> Iterator[Endpoint]:  # noqa: ARG001
    for one in at(service, "status", "loadBalancer", "ingress", default=()):
        host = one.get("ip") or one.get("hostname")
        if host:
            yield Endpoint(host=host, port=entry["port"])


def _at_service(service: Object, entry: Mapping[str, Any], around: Around) -> Iterator[Endpoint]:  # noqa: ARG001
    address = at(service, "spec", "clusterIP")
    if address and address != "None":
        yield Endpoint(host=address, port=entry["port"])


def _at_pods(service: Object, entry: Mapping[str, Any], around: Around) -> Iterator[Endpoint]:
    for one in around.slices:
        if not belongs_to(one, service):
            continue
        # A slice names ports as its Service does; a Service with one port may name none.
        numbers = [
            port["port"] for port in one.get("ports") or () if (port.get("name") or "") == (entry.get("name") or "")
        ]
        for pod in one.get("endpoints") or ():
            if at(pod, "conditions", "ready", default=True):
                yield from (Endpoint(host=host, port=number) for host in pod["addresses"] for number in numbers)


_BY_REACH: Mapping[Reach, Callable[[Object, Mapping[str, Any], Around], Iterator[Endpoint]]] = {
    Reach.NODE_PORT: _at_nodes,
    Reach.LOAD_BALANCER: _at_balancer,
    Reach.PODS: _at_pods,
    Reach.CLUSTER_IP: _at_service,
}
