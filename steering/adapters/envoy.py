# SPDX-License-Identifier: Apache-2.0
"""Envoys, steered through our own control plane (`steering.envoy`).

The adapter writes documents into the database and reads back what the control plane recorded there; only for counters
and for telling a deaf instance from a dead one does it ask the Envoys themselves.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self, TypeVar

import httpx
from google.protobuf.json_format import ParseError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from steering.contract import SteeringAdapter, check_endpoints
from steering.envoy.plan import plan_route
from steering.envoy.settings import GatewaySettings, Instance
from steering.envoy.statistics import pattern, usage
from steering.errors import Rejected, Unavailable, UnknownRoute
from steering.listening import Listening, knock
from steering.model import (
    Acknowledgement,
    Capabilities,
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
from steering.store.believed import Believed
from steering.store.engine import engine
from steering.store.gateways import GatewayStore, Stand, Standing
from steering.store.routes import RouteStore, StoredRoute

ASK_SECONDS = 2.0
"""Time-out of every question to an instance."""

_WITHOUT_CONTROL = {
    Listening.ANSWERS: Acknowledgement.DEAF,
    Listening.REFUSES: Acknowledgement.DEAD,
    Listening.UNCLEAR: Acknowledgement.UNKNOWN,
}
"""What an instance is that has no control connection."""

_T = TypeVar("_T")


class EnvoyAdapter(SteeringAdapter):
    """One gateway that consists of Envoys."""

    def __init__(self, gateway: str, settings: GatewaySettings, made: Engine) -> None:
        """Args: gateway: its configured name; settings: checked; made: the service's database."""
        self._gateway = gateway
        self._settings = settings
        self._engine = made
        self._routes = RouteStore(made)
        self._believed = Believed(self._routes, gateway)
        self._instances = GatewayStore(made)
        self._admin = httpx.AsyncClient(timeout=ASK_SECONDS, trust_env=False)

    @classmethod
    def open(cls, gateway: str, settings: Mapping[str, Any], *, database_url: str) -> Self:
        """See the contract; a pydantic `ValidationError`, which names the field, is a `ValueError`."""
        return cls(gateway, GatewaySettings.model_validate(settings), engine(database_url))

    def describe(self) -> Capabilities:
        """Per request, by percent, acknowledged by each instance, counted by each instance."""
        return Capabilities(
            rungs=frozenset({Rung.WRITTEN, Rung.OBSERVED, Rung.ACKNOWLEDGED, Rung.DRAINED}),
            weights="percent",
            granularity="request",
            bound="hard",
            protocols=frozenset(Protocol),
            probe_paths=True,
            failover=True,
        )

    async def validate(self, document: RouteDocument) -> Sequence[Problem]:
        """Everything that would make an Envoy refuse the document, or lose requests under it."""
        problems = list(_problems(document, self._settings))
        owners = await self._ask_database(partial(self._routes.owners, self._gateway, document.hosts))
        problems += [
            Problem(field="hosts", reason=f"{host} belongs to route {route} of this gateway")
            for host, route in sorted(owners.items())
            if route != document.route
        ]
        return problems

    async def read(self, route: str) -> RouteState | None:
        """From the database: nobody else can change what the Envoys take from it."""
        stored = await self._ask_database(partial(self._routes.read, self._gateway, route))
        if stored is None or stored.document is None:
            return None
        return RouteState(document=stored.document, version=str(stored.version), fence=stored.fence)

    async def apply(self, document: RouteDocument, *, fence: Fence, base: Version | None) -> Version:
        """Write to the database, which wakes every control plane process."""
        fatal = [problem for problem in _problems(document, self._settings) if problem.fatal]
        if fatal:
            raise Rejected("; ".join(f"{problem.field}: {problem.reason}" for problem in fatal))
        write = partial(self._routes.write, self._gateway, document, fence, _number(base))
        return str(await self._ask_database(write))

    async def remove(self, route: str, *, fence: Fence, base: Version) -> None:
        """The route's row stays, with its fence and its versions."""
        if await self.read(route) is not None:
            await self._ask_database(partial(self._routes.remove, self._gateway, route, fence, _number(base)))

    async def follow(self, instance: str, endpoints: Endpoints) -> bool:
        """To the database, where it stands above what documents say, for all Envoy gateways alike."""
        check_endpoints(endpoints)
        return await self._ask_database(partial(self._follow, instance, endpoints))

    async def acknowledged(self, route: str, version: Version) -> Sequence[InstanceAcknowledgement]:
        """By what each instance last said over its control connection; without one it is asked whether it serves."""
        standing = await self._ask_database(partial(self._standing, route))
        expected = self._expected(standing.connected)
        if not expected:
            raise Unavailable(f"gateway {self._gateway} has no instance: none is declared, none is connected")
        number = _number(version) or 0
        cut_off = [name for name in expected if not standing.connected.get(name)]
        known = await asyncio.gather(*(_cut_off(name, self._settings.instance(name)) for name in cut_off))
        found = dict(zip(cut_off, known, strict=True))
        return [found.get(name) or _told(name, standing.stands.get(name, Stand()), number) for name in expected]

    async def usage(self, route: str, backend: str) -> Sequence[InstanceUsage]:
        """From each instance's admin interface."""
        stored = await self._known(route)
        if stored.document is None:
            raise UnknownRoute(f"gateway {self._gateway} has no route {route}")
        ports = [port.name for port in stored.document.ports]
        connected = await self._ask_database(partial(self._instances.connections, self._gateway))
        return await asyncio.gather(*(self._count(name, route, backend, ports) for name in self._expected(connected)))

    async def probe_points(self, route: str) -> Sequence[ProbePoint]:
        """Every declared instance's listener; one that only connected has no address that we know."""
        stored = await self._known(route)
        if stored.document is None:
            raise UnknownRoute(f"gateway {self._gateway} has no route {route}")
        return [
            ProbePoint(
                instance=instance.id,
                endpoint=instance.address,
                tls=True,
                server_name=stored.document.hosts[0],
                ca_file=self._settings.tls.ca_file if self._settings.tls else None,
            )
            for instance in self._settings.instances
        ]

    async def close(self) -> None:
        """Close connections to the instances and to the database."""
        await self._admin.aclose()
        await asyncio.to_thread(self._engine.dispose)

    def _expected(self, connected: Mapping[str, bool]) -> list[str]:
        """Declared, or connected now."""
        declared = dict.fromkeys(instance.id for instance in self._settings.instances)
        return [*declared, *sorted(name for name, is_on in connected.items() if is_on and name not in declared)]

    async def _known(self, route: str) -> StoredRoute:
        stored = await self._ask_database(partial(self._routes.read, self._gateway, route))
        if stored is None:
            raise UnknownRoute(f"gateway {self._gateway} has no route {route}")
        return stored

    async def _count(self, name: str, route: str, backend: str, ports: Sequence[str]) -> InstanceUsage:
        declared = self._settings.instance(name)
        unknown = partial(InstanceUsage, instance=name, in_flight=None, requests_total=None)
        if declared is None or declared.admin is None:
            return unknown(reason="no admin address is configured for it")
        query = {"format": "json", "filter": pattern(route, backend)}
        try:
            answer = await self._admin.get(f"http://{declared.admin}/stats", params=query)
            answer.raise_for_status()
            return usage(name, answer.json(), route, backend, ports)
        except (httpx.HTTPError, ValueError) as error:
            return unknown(reason=f"its admin interface at {declared.admin} gives no answer: {error!r}")

    def _standing(self, route: str) -> Standing:
        if self._routes.version(self._gateway, route) is None:
            raise UnknownRoute(f"gateway {self._gateway} has no route {route}")
        return self._instances.standing(self._gateway, route)

    def _follow(self, instance: str, endpoints: Endpoints) -> bool:
        known = self._believed.of(instance)
        told = {port: endpoints.get(port, found) for port, found in known.items()}
        if any(set(found) != set(known[port]) for port, found in told.items()):
            self._routes.move_endpoints(instance, {**told, **endpoints})
        return bool(known)

    async def _ask_database(self, ask: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(ask)
        except SQLAlchemyError as error:
            raise Unavailable(f"the database of gateway {self._gateway} cannot be asked: {error}") from error


def _told(name: str, stand: Stand, version: int) -> InstanceAcknowledgement:
    """What a connected instance says about a version."""
    state, reason = Acknowledgement.PENDING, stand.reason or "it has not said anything about this version yet"
    if version and stand.rejected == version:
        state, reason = Acknowledgement.REJECTED, stand.reason
    elif version and stand.applied >= version:
        state, reason = Acknowledgement.APPLIED, ""
    return InstanceAcknowledgement(instance=name, state=state, reason=reason, at=stand.at)


async def _cut_off(name: str, declared: Instance | None) -> InstanceAcknowledgement:
    """What an instance without a control connection is: deaf if it still serves, dead if it certainly does not."""
    state, reason = Acknowledgement.UNKNOWN, "no control connection, and no address is configured"
    if declared is not None:
        listening, told = await knock(declared.address)
        state, reason = _WITHOUT_CONTROL[listening], f"{told}, and it has no control connection"
    return InstanceAcknowledgement(instance=name, state=state, reason=reason, at=datetime.now(UTC))


def _number(version: Version | None) -> int | None:
    """Our versions are whole numbers.

    Raises:
        ValueError: somebody else made this version.
    """
    if version is None:
        return None
    if not version.isdecimal():
        raise ValueError(f"version: {version!r} was not made by this adapter")
    return int(version)


def _problems(document: RouteDocument, settings: GatewaySettings) -> Sequence[Problem]:
    """What is wrong with the document itself on such a gateway."""
    prefixes = [port.prefix for port in document.ports]
    problems = [
        Problem(field=f"ports.{port.name}.prefix", reason=f"{port.prefix} is taken by more than one port")
        for port in document.ports
        if prefixes.count(port.prefix) > 1
    ]
    problems += [
        Problem(field=f"ports.{port.name}.health", reason="must be a path that begins with /")
        for port in document.ports
        if port.protocol is Protocol.HTTP and not port.health.startswith("/")
    ]
    if not settings.instances:
        problems.append(
            Problem(field="gateway", reason="no instance is declared: nothing can be probed or counted", fatal=False)
        )
    try:
        plan_route(document, 1, settings, {}, datetime.now(UTC))
    except (ParseError, ValueError) as error:
        field, _, reason = str(error).partition(": ")
        problems.append(Problem(field=field, reason=reason or str(error)))
    return problems
