# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D102
# The contract says what each method is for.
"""A stranger's adapter: a gateway of one instance that is told at once, and whose counters nobody can read."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from steering.conformance import ConformanceHarness
from steering.contract import SteeringAdapter, check_endpoints
from steering.errors import UnknownRoute
from steering.fencing import Current, decide
from steering.model import (
    Acknowledgement,
    Backend,
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

LAMP = "lamp-1"
NOWHERE = Endpoint(host="127.0.0.1", port=9)


class LampAdapter(SteeringAdapter):
    """Keeps documents in memory."""

    conformance = "lamp:LampHarness"
    _rows: ClassVar[dict[str, Current]] = {}

    @classmethod
    def open(cls, gateway: str, settings: Mapping[str, Any], *, database_url: str) -> Self:  # noqa: ARG003, it needs none
        return cls()

    def describe(self) -> Capabilities:
        return Capabilities(
            rungs=frozenset({Rung.WRITTEN, Rung.ACKNOWLEDGED}),
            weights="binary",
            granularity="connection",
            bound="unknown",
            protocols=frozenset({Protocol.HTTP}),
            probe_paths=False,
            failover=False,
        )

    async def validate(self, document: RouteDocument) -> Sequence[Problem]:  # noqa: ARG002, it can carry anything
        return []

    async def read(self, route: str) -> RouteState | None:
        row = self._rows.get(route)
        if row is None or row.document is None:
            return None
        return RouteState(document=row.document, version=str(row.version), fence=row.fence)

    async def apply(self, document: RouteDocument, *, fence: Fence, base: Version | None) -> Version:
        row = self._rows.get(document.route)
        version = decide(row, document, fence, None if base is None else int(base))
        if version is None and row is not None:
            return str(row.version)
        self._rows[document.route] = Current(version=version or 1, fence=fence, document=document)
        return str(version)

    async def remove(self, route: str, *, fence: Fence, base: Version) -> None:
        row = self._rows.get(route)
        if row is not None and row.document is not None:
            version = decide(row, None, fence, int(base))
            self._rows[route] = Current(version=version or row.version, fence=fence, document=None)

    async def follow(self, instance: str, endpoints: Endpoints) -> bool:
        check_endpoints(endpoints)
        documents = [row.document for row in self._rows.values() if row.document is not None]
        return any(backend.instance == instance for document in documents for backend in document.backends)

    async def acknowledged(self, route: str, version: Version) -> Sequence[InstanceAcknowledgement]:
        is_applied = int(version) <= self._known(route).version
        state = Acknowledgement.APPLIED if is_applied else Acknowledgement.PENDING
        return [InstanceAcknowledgement(instance=LAMP, state=state)]

    async def usage(self, route: str, backend: str) -> Sequence[InstanceUsage]:  # noqa: ARG002, it counts nothing
        self._known(route)
        return [InstanceUsage(instance=LAMP, in_flight=None, requests_total=None, reason="it has no counters")]

    async def probe_points(self, route: str) -> Sequence[ProbePoint]:
        document = self._known(route).document
        name = document.hosts[0] if document else ""
        return [ProbePoint(instance=LAMP, endpoint=NOWHERE, tls=False, server_name=name)]

    def _known(self, route: str) -> Current:
        row = self._rows.get(route)
        if row is None or row.document is None:
            raise UnknownRoute(route)
        return row


class LampHarness(ConformanceHarness):
    """Offers no traffic."""

    name = "lamp"

    def adapter(self) -> LampAdapter:
        return LampAdapter()

    def instances(self) -> tuple[str, ...]:
        return (LAMP,)

    def backends(self) -> tuple[Backend, Backend]:
        endpoints = {"http": (NOWHERE,)}
        return Backend(name="a", instance="a-1", endpoints=endpoints), Backend(
            name="b", instance="b-1", endpoints=endpoints
        )
