# SPDX-License-Identifier: Apache-2.0
"""Clusters and endpoints of a route: per side and port one, one more for probes, and aggregates for fail-over.

A side's cluster depends on nothing that a relocation changes: a changed definition makes Envoy build the cluster
anew, and requests in between fail (envoyproxy/envoy#13070).
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from steering.envoy import names
from steering.envoy.settings import GatewaySettings, HealthCheck
from steering.envoy.xds import CDS, EDS, Json, Resource, resource, seconds, typed
from steering.model import Backend, Endpoint, Endpoints, Port, ProbePath, Protocol, RouteDocument

SIDE_METADATA = "relocate"
"""Namespace of the endpoint metadata in which the side's name stands under `side`."""

Moved = Mapping[str, Endpoints]
"""Where instances listen now, by instance and port, where that differs from the document."""

_PLENTY = 1_000_000
_MAX_RETRIES = 1000
"""At Envoy's default of 3, 51 to 61 requests were lost when a side died (reference: envoy.md, 1)."""


def clusters(document: RouteDocument, paths: tuple[ProbePath, ...], settings: GatewaySettings) -> list[Resource]:
    """Every cluster that the document needs."""
    probed = {path.backend for path in paths}
    bodies: list[Json] = []
    for port in document.ports:
        for backend in document.backends:
            bodies.append(_side(document, port, names.side(document.route, port.name, backend.name), settings))
            if backend.name in probed:
                bodies.append(_side(document, port, names.probe(document.route, port.name, backend.name), settings))
        bodies.extend(_aggregate(document, port, order, settings) for order in orders(document).values())
    return [resource(CDS, body["name"], body) for body in bodies]


def endpoints(document: RouteDocument, version: int, paths: tuple[ProbePath, ...], moved: Moved) -> list[Resource]:
    """The endpoints of every cluster that has its own."""
    probed = {path.backend for path in paths}
    return list(
        chain.from_iterable(
            _assignments(document.route, version, port, backend, moved, probed=backend.name in probed)
            for port in document.ports
            for backend in document.backends
        )
    )


def orders(document: RouteDocument) -> dict[str, tuple[str, ...]]:
    """By side, the order in which its requests fall back; empty without fail-over.

    All sides have one, also at weight 0: a request on its second try must still find the aggregate it began with.
    """
    sides = tuple(backend.name for backend in document.backends)
    if not document.failover or len(sides) == 1:
        return {}
    return {side: (side, *(other for other in sides if other != side)) for side in sides}


def _side(document: RouteDocument, port: Port, name: str, settings: GatewaySettings) -> Json:
    return {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": {"ads": {}, "resource_api_version": "V3"}},
        "connect_timeout": seconds(settings.connect_timeout_seconds),
        "lb_policy": "LEAST_REQUEST",
        # A sole unhealthy host would get traffic in panic mode (reference: envoy.md, 1).
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        # An endpoint that was moved away stays until it is unhealthy, so that there is no gap before the new one is.
        "ignore_health_on_host_removal": False,
        "circuit_breakers": _circuit_breakers(),
        "health_checks": [_health_check(port, document.hosts[0], settings.health)],
        "typed_extension_protocol_options": _protocol(port, settings),
    }


def _aggregate(document: RouteDocument, port: Port, order: tuple[str, ...], settings: GatewaySettings) -> Json:
    return {
        "name": names.failover(document.route, port.name, order),
        "connect_timeout": seconds(settings.connect_timeout_seconds),
        "lb_policy": "CLUSTER_PROVIDED",
        "circuit_breakers": _circuit_breakers(),
        "cluster_type": {
            "name": "envoy.clusters.aggregate",
            "typed_config": typed(
                "clusters.aggregate.v3.ClusterConfig",
                clusters=[names.side(document.route, port.name, side) for side in order],
            ),
        },
        "typed_extension_protocol_options": _protocol(port, settings),
    }


def _circuit_breakers() -> Json:
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), _PLENTY)
    return {"thresholds": [{"priority": "DEFAULT", "max_retries": _MAX_RETRIES, **limits}]}


def _health_check(port: Port, host: str, health: HealthCheck) -> Json:
    every = seconds(health.interval_seconds)
    check: Json = {
        "timeout": seconds(health.timeout_seconds),
        "interval": every,
        "no_traffic_interval": every,
        "no_traffic_healthy_interval": every,
        "unhealthy_interval": every,
        "unhealthy_threshold": health.unhealthy_threshold,
        "healthy_threshold": health.healthy_threshold,
    }
    if port.protocol is Protocol.GRPC:
        service = port.health if port.health != "/" else ""
        return {**check, "grpc_health_check": {"service_name": service, "authority": host}}
    return {**check, "http_health_check": {"path": port.health, "host": host}}


def _protocol(port: Port, settings: GatewaySettings) -> Json:
    spoken: Json = (
        {"explicit_http_config": {"http2_protocol_options": {}}}
        if port.protocol is Protocol.GRPC
        else {"use_downstream_protocol_config": {"http_protocol_options": {}, "http2_protocol_options": {}}}
    )
    idle = {"idle_timeout": seconds(settings.upstream_idle_seconds)}
    options = typed("upstreams.http.v3.HttpProtocolOptions", common_http_protocol_options=idle, **spoken)
    return {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}


def _assignments(
    route: str, version: int, port: Port, backend: Backend, moved: Moved, *, probed: bool
) -> Iterator[Resource]:
    found = moved.get(backend.instance, {}).get(port.name) or backend.endpoints[port.name]
    wanted = [names.side(route, port.name, backend.name)]
    if probed:
        wanted.append(names.probe(route, port.name, backend.name))
    for name in wanted:
        body = {"cluster_name": name, "endpoints": [{"lb_endpoints": [_endpoint(one, backend.name) for one in found]}]}
        yield resource(EDS, name, body, route_version=version)


def _endpoint(endpoint: Endpoint, side: str) -> Json:
    address = {"socket_address": {"address": endpoint.host, "port_value": endpoint.port}}
    return {
        "endpoint": {"address": address},
        "metadata": {"filter_metadata": {SIDE_METADATA: {"side": side}}},
    }
