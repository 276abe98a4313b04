# SPDX-License-Identifier: Apache-2.0
"""Steers a gateway in memory (`steering.memory`): for tests and dry runs, and as the simplest example of an adapter."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from steering.contract import SteeringAdapter, check_endpoints
from steering.errors import Rejected, UnknownRoute
from steering.memory import MemoryGateway, MemorySettings
from steering.model import (
    Capabilities,
    Endpoint,
    Endpoints,
    Fence,
    InstanceAcknowledgement,
    InstanceUsage,
    ProbePoint,
    Problem,
    Protocol,
    RouteDocument,
    RouteState,
    Rung,
    Version,
)

__all__ = ["MemoryAdapter", "MemoryGateway", "MemorySettings"]

_CAPABLE = Capabilities(
    rungs=frozenset({Rung.WRITTEN, Rung.OBSERVED, Rung.ACKNOWLEDGED, Rung.DRAINED}),
    weights="percent",
    granularity="request",
    bound="hard",
    protocols=frozenset(Protocol),
    probe_paths=True,
    failover=True,
)
_MUTE = _CAPABLE.model_copy(update={"rungs": _CAPABLE.rungs - {Rung.OBSERVED, Rung.ACKNOWLEDGED}})


class MemoryAdapter(SteeringAdapter):
    """Steers a `MemoryGateway`."""

    conformance = "steering.conformance.memory:MemoryHarness"
    """The harness that `pytest --steering-adapter=memory` takes."""

    def __init__(self, gateway: MemoryGateway) -> None:
        """Args: gateway: what is steered."""
        self.gateway = gateway

    @classmethod
    def open(cls, gateway: str, settings: Mapping[str, Any], *, database_url: str) -> Self:  # noqa: ARG003, it keeps all in memory
        """See the contract; a pydantic `ValidationError`, which names the field, is a `ValueError`."""
        return cls(MemoryGateway.named(gateway, MemorySettings.model_validate(settings)))

    def describe(self) -> Capabilities:
        """As capable as an adapter can be; of a mute gateway nothing is proven by acknowledgement."""
        return _MUTE if self.gateway.mute else _CAPABLE

    async def validate(self, document: RouteDocument) -> Sequence[Problem]:
        """Refuses hosts of other routes."""
        problems = []
        for host in document.hosts:
            owner = self.gateway.owner(host)
            if owner not in {None, document.route}:
                problems.append(Problem(field="hosts", reason=f"{host} belongs to route {owner} of this gateway"))
        return problems

    async def read(self, route: str) -> RouteState | None:
        """The route as last written."""
        row = self.gateway.row(route)
        if row is None or row.document is None:
            return None
        return RouteState(document=row.document, version=str(row.version), fence=row.fence)

    async def apply(self, document: RouteDocument, *, fence: Fence, base: Version | None) -> Version:
        """Write, and send to every instance."""
        problems = await self.validate(document)
        if problems:
            raise Rejected("; ".join(f"{problem.field}: {problem.reason}" for problem in problems))
        return str(self.gateway.write(document.route, document, fence, _number(base)))

    async def remove(self, route: str, *, fence: Fence, base: Version) -> None:
        """Take the whole route away, under the rules of `apply`."""
        if await self.read(route) is not None:
            self.gateway.write(route, None, fence, _number(base))

    async def follow(self, instance: str, endpoints: Endpoints) -> bool:
        """Kept for whoever looks: nothing listens behind a memory gateway."""
        check_endpoints(endpoints)
        return self.gateway.follow(instance, endpoints)

    async def acknowledged(self, route: str, version: Version) -> Sequence[InstanceAcknowledgement]:
        """What every instance says."""
        self._document(route)
        return [self.gateway.stand(name, route, _number(version) or 0) for name in self.gateway.instances()]

    async def usage(self, route: str, backend: str) -> Sequence[InstanceUsage]:
        """What every instance counts."""
        self._document(route)
        return [self.gateway.count(name, route, backend) for name in self.gateway.instances()]

    async def probe_points(self, route: str) -> Sequence[ProbePoint]:
        """Addresses that lead nowhere: a memory gateway listens to nothing but `MemoryGateway.answer`."""
        document = self._document(route)
        nowhere = Endpoint(host="127.0.0.1", port=9)
        return [
            ProbePoint(instance=name, endpoint=nowhere, tls=False, server_name=document.hosts[0])
            for name in self.gateway.instances()
        ]

    def _document(self, route: str) -> RouteDocument:
        row = self.gateway.row(route)
        if row is None or row.document is None:
            raise UnknownRoute(f"the gateway has no route {route}")
        return row.document


def _number(version: Version | None) -> int | None:
    if version is None:
        return None
    if not version.isdecimal():
        raise ValueError(f"version: {version!r} was not made by this adapter")
    return int(version)
