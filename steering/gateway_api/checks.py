# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a document by itself on any gateway of this kind. Pure; needs no cluster."""

import re
from collections.abc import Iterator

from steering.gateway_api.endpoints import why_not
from steering.gateway_api.kinds import KINDS, RouteKind
from steering.gateway_api.names import hosts
from steering.gateway_api.record import LONGEST_BYTES, encoded
from steering.gateway_api.rendering import rules
from steering.gateway_api.settings import GatewayApiSettings
from steering.model import Problem, Protocol, RouteDocument

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_MOST_RULES, _MOST_HOSTS = 16, 16
"""Of one route (Gateway API v1)."""


def problems(document: RouteDocument, settings: GatewayApiSettings) -> Iterator[Problem]:
    """Everything that needs no look at the cluster."""
    if document.failover:
        yield Problem(field="failover", reason="the Gateway API has no fail-over from one backend to another")
    if not _HEADER_VALUE.fullmatch(document.epoch):
        yield Problem(field="epoch", reason="must be one line of visible ASCII: it stands in a header")
    yield from _of_hosts(document)
    yield from _of_ports(document, KINDS[settings.kind])
    yield from _of_endpoints(document)
    count = len(rules(document, settings))
    if count > _MOST_RULES:
        yield Problem(field="ports", reason=f"{count} rules are needed, a route may have {_MOST_RULES}")
    if len(encoded(document).encode()) > LONGEST_BYTES:
        yield Problem(field="document", reason=f"as JSON it is longer than {LONGEST_BYTES} bytes")


def _of_hosts(document: RouteDocument) -> Iterator[Problem]:
    for number, host in enumerate(hosts(document)):
        if not _HOST.fullmatch(host):
            yield Problem(field=f"hosts.{number}", reason=f"{host} is not a host name (RFC 1123)")
    if len(hosts(document)) > _MOST_HOSTS:
        yield Problem(field="hosts", reason=f"a route may have {_MOST_HOSTS}")


def _of_ports(document: RouteDocument, kind: RouteKind) -> Iterator[Problem]:
    # The Gateway API compares whole path elements, so a slash at the end says nothing.
    prefixes = [port.prefix.rstrip("/") for port in document.ports]
    for port in document.ports:
        if prefixes.count(port.prefix.rstrip("/")) > 1:
            yield Problem(field=f"ports.{port.name}.prefix", reason=f"{port.prefix} is taken by more than one port")
        if port.protocol is Protocol.HTTP and not port.health.startswith("/"):
            yield Problem(field=f"ports.{port.name}.health", reason="must be a path that begins with /")
        yield from kind.problems(port)


def _of_endpoints(document: RouteDocument) -> Iterator[Problem]:
    for backend in document.backends:
        for port in document.ports:
            for endpoint in backend.endpoints[port.name]:
                reason = why_not(endpoint)
                if reason is not None:
                    yield Problem(field=f"backends.{backend.name}.endpoints.{port.name}", reason=reason)
