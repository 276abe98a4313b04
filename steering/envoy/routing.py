# SPDX-License-Identifier: Apache-2.0
"""One route's RouteConfiguration: which request goes to which cluster, retried how, and what answers say about it.

One per route, because one bad virtual host rejects the whole RouteConfiguration (reference: envoy.md, 3).
"""

import re
from collections.abc import Iterator

from steering.envoy import names
from steering.envoy.clusters import SIDE_METADATA, orders
from steering.envoy.settings import GatewaySettings
from steering.envoy.xds import RDS, Json, Resource, resource, seconds, typed
from steering.model import EPOCH_HEADER, PROBE_HEADER, SIDE_HEADER, Port, ProbePath, Protocol, RouteDocument

NOT_SENT = "connect-failure,refused-stream"
"""When a request that is not safe to repeat may be sent again: it never reached an application."""

SAFE = "connect-failure,refused-stream,reset,gateway-error"
SAFE_GRPC = "connect-failure,refused-stream,reset,unavailable"

_OTHER_HOST_ATTEMPTS = 25
"""How often a retry draws another host before it takes one that was tried already. The least-request balancer favours
the dead one, as nothing is open on it: of two hosts it draws that one three times in four."""

_MISDIRECTED = 421
"""A connection made for one host name is not to be used for another's (RFC 9110, 15.5.20)."""


def routing(document: RouteDocument, version: int, paths: tuple[ProbePath, ...], settings: GatewaySettings) -> Resource:
    """The RouteConfiguration, named as the route."""
    ports = sorted(document.ports, key=lambda port: len(port.prefix), reverse=True)
    routes = [route for port in ports for route in _of_port(document, port, paths, settings)]
    hosts = sorted({host.lower() for host in document.hosts})
    body = {
        "name": document.route,
        "virtual_hosts": [
            {"name": document.route, "domains": hosts, "routes": routes},
            {
                "name": "misdirected",
                "domains": ["*"],
                "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": _MISDIRECTED}}],
            },
        ],
        "ignore_port_in_host_matching": True,
        "validate_clusters": True,
        "request_headers_to_remove": [PROBE_HEADER, EPOCH_HEADER, SIDE_HEADER],
        "response_headers_to_remove": [EPOCH_HEADER, SIDE_HEADER],
        "response_headers_to_add": [
            _header(EPOCH_HEADER, document.epoch.replace("%", "%%")),
            # The host that answered, so it names the actual side under an aggregate cluster as well.
            _header(SIDE_HEADER, f"%UPSTREAM_METADATA({SIDE_METADATA}:side)%"),
        ],
    }
    return resource(RDS, document.route, body, route_version=version)


def nothing(route: str, version: int) -> Resource:
    """What a removed route leaves behind in a listener that is not ours: it matches nothing."""
    return resource(RDS, route, {"name": route}, route_version=version)


def _header(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _of_port(
    document: RouteDocument, port: Port, paths: tuple[ProbePath, ...], settings: GatewaySettings
) -> Iterator[Json]:
    under = {"prefix": port.prefix}
    for path in paths:
        yield _probe(document, port, path)
    if port.protocol is Protocol.GRPC:
        yield from _grpc(document, port, settings)
        return
    forever = _target(document, port) | _streaming(settings)
    for name, value in (("upgrade", "websocket"), ("accept", "text/event-stream")):
        matcher = {"name": name, "string_match": {"contains": value, "ignore_case": True}}
        yield {
            "match": {**under, "headers": [matcher]},
            "route": forever | {"retry_policy": _retry(document, NOT_SENT)},
        }
    limited = _target(document, port) | {"timeout": seconds(document.timeout_seconds)}
    if port.retry_safe:
        methods = "|".join(re.escape(method) for method in port.retry_safe)
        matcher = {"name": ":method", "string_match": {"safe_regex": {"regex": methods}}}
        yield {
            "match": {**under, "headers": [matcher]},
            "route": limited | {"retry_policy": _retry(document, SAFE, document.try_seconds)},
        }
    yield {"match": under, "route": limited | {"retry_policy": _retry(document, NOT_SENT)}}


def _grpc(document: RouteDocument, port: Port, settings: GatewaySettings) -> Iterator[Json]:
    # A call may be a stream, so only those named safe (which are unary by that) have the request time-out.
    limited = _target(document, port) | {"timeout": seconds(document.timeout_seconds)}
    for method in port.retry_safe:
        if method.startswith("/"):
            policy = _retry(document, SAFE_GRPC, document.try_seconds)
            yield {"match": {"path": method}, "route": limited | {"retry_policy": policy}}
    forever = _target(document, port) | _streaming(settings)
    yield {"match": {"prefix": port.prefix}, "route": forever | {"retry_policy": _retry(document, NOT_SENT)}}


def _probe(document: RouteDocument, port: Port, path: ProbePath) -> Json:
    matcher = {"name": PROBE_HEADER, "string_match": {"exact": path.token}}
    return {
        "match": {"prefix": port.prefix, "headers": [matcher]},
        "route": {
            "cluster": names.probe(document.route, port.name, path.backend),
            "timeout": seconds(document.timeout_seconds),
        },
    }


def _streaming(settings: GatewaySettings) -> Json:
    return {"timeout": "0s", "idle_timeout": seconds(settings.stream_idle_seconds)}


def _target(document: RouteDocument, port: Port) -> Json:
    fallbacks = orders(document)
    shares = [
        {
            "name": names.failover(document.route, port.name, fallbacks[side])
            if fallbacks
            else names.side(document.route, port.name, side),
            "weight": weight,
        }
        for side, weight in document.weights.items()
        if weight
    ]
    return {"cluster": shares[0]["name"]} if len(shares) == 1 else {"weighted_clusters": {"clusters": shares}}


def _retry(document: RouteDocument, on: str, try_seconds: float | None = None) -> Json:
    policy: Json = {
        "retry_on": on,
        "num_retries": 3,
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": typed("retry.host.previous_hosts.v3.PreviousHostsPredicate"),
            }
        ],
        "host_selection_retry_max_attempts": _OTHER_HOST_ATTEMPTS,
    }
    if orders(document):
        # A second try goes to the other side; without this it stays on the dead one (reference: envoy.md, 1).
        policy["retry_priority"] = {
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": typed("retry.priority.previous_priorities.v3.PreviousPrioritiesConfig", update_frequency=1),
        }
        if try_seconds is not None:
            policy["per_try_timeout"] = seconds(try_seconds)
    return policy
