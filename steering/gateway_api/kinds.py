# SPDX-License-Identifier: Apache-2.0
"""The kinds of routes that carry a document, and what differs between them. Pure.

TCPRoute and TLSRoute are none of them: nothing of what they carry can say by which write it was answered, and status
proves nothing, so a write could not be proven beyond E0 (reference: gateway-api.md, 2 to 5).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

from steering.gateway_api import names
from steering.kubernetes.objects import Kind
from steering.model import Port, Problem, Protocol

Json = dict[str, Any]


class RouteKind(ABC):
    """One kind."""

    object: ClassVar[Kind]
    protocols: ClassVar[frozenset[Protocol]]
    redirects: ClassVar[bool]
    """Whether the gateway can answer by itself, with an epoch, while no application does."""

    @abstractmethod
    def match(self, port: Port, *headers: Json) -> Json:
        """The requests of a port that have these headers."""

    @abstractmethod
    def timeouts(self, longest: str) -> Json:
        """What a rule says of the longest time of a request (GEP-2257 duration)."""

    def problems(self, port: Port) -> Iterator[Problem]:
        """Why a port cannot be carried."""
        if port.protocol not in self.protocols:
            reason = f"a {self.object.name} carries {' and '.join(sorted(self.protocols))} only"
            yield Problem(field=f"ports.{port.name}.protocol", reason=reason)


class HttpRoute(RouteKind):
    """Carries everything."""

    object = names.HTTP_ROUTE
    protocols = frozenset(Protocol)
    redirects = True

    def match(self, port: Port, *headers: Json) -> Json:
        """By path."""
        path: Json = {"path": {"type": "PathPrefix", "value": port.prefix}}
        return path | ({"headers": list(headers)} if headers else {})

    def timeouts(self, longest: str) -> Json:
        """Of every rule."""
        return {"timeouts": {"request": longest}}


class GrpcRoute(RouteKind):
    """Carries gRPC. It knows neither redirects nor time-outs."""

    object = names.GRPC_ROUTE
    protocols = frozenset({Protocol.GRPC})
    redirects = False

    def match(self, port: Port, *headers: Json) -> Json:
        """By service."""
        service = port.prefix.strip("/")
        called: Json = {"method": {"type": "Exact", "service": service}} if service else {}
        return called | ({"headers": list(headers)} if headers else {})

    def timeouts(self, longest: str) -> Json:  # noqa: ARG002, it has none
        """None: a call may be a stream."""
        return {}

    def problems(self, port: Port) -> Iterator[Problem]:
        """Its prefix must be a service, or everything: of one method each look at a replica would be a call."""
        yield from super().problems(port)
        if not _CALLED.fullmatch(port.prefix):
            reason = f"must be / or /SERVICE/ in a GRPCRoute, not {port.prefix}"
            yield Problem(field=f"ports.{port.name}.prefix", reason=reason)


KINDS: dict[str, RouteKind] = {one.object.name: one for one in (HttpRoute(), GrpcRoute())}
"""By the name that settings use."""
_CALLED = re.compile(r"/|/[A-Za-z_][\w.]*/")
