# SPDX-License-Identifier: Apache-2.0
"""The ways on which a side is asked: directly, and through every gateway instance of every route."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from readiness.checks import Way
from readiness.model import Target
from relocate.model.application import Application, Route
from relocate.parts import Parts
from relocate.phases.proof import alive
from steering.contract import SteeringAdapter
from steering.errors import UnknownRoute
from steering.model import PROBE_HEADER, Backend, ProbePoint


@dataclass(frozen=True)
class Stretch:
    """One route at one gateway."""

    route: Route
    gateway: str
    adapter: SteeringAdapter

    @property
    def key(self) -> str:
        """Name in orders and records."""
        return f"{self.gateway}/{self.route.name}"


async def stretches(parts: Parts, application: Application) -> Sequence[Stretch]:
    """Every route of the application at every gateway that carries it; none of an application without routes."""
    return [
        Stretch(route, gateway, await parts.adapter(gateway))
        for route in application.routes
        for gateway in route.gateways
    ]


async def counted_instances(stretch: Stretch, waived: Sequence[str] = ()) -> Collection[str]:
    """Gateway instances that count: not waived by name, and not dead."""
    state = await stretch.adapter.read(stretch.route.name)
    if state is None:
        raise UnknownRoute(f"gateway {stretch.gateway} has no route {stretch.route.name}")
    return alive(await stretch.adapter.acknowledged(stretch.route.name, state.version), waived)


async def probe_points(stretch: Stretch, waived: Sequence[str] = ()) -> Sequence[ProbePoint]:
    """Listeners of the gateway instances that count."""
    counted = await counted_instances(stretch, waived)
    points = await stretch.adapter.probe_points(stretch.route.name)
    return [point for point in points if point.instance in counted]


def direct(side: Backend) -> Sequence[Way]:
    """Straight to every endpoint of a side."""
    most = max(len(found) for found in side.endpoints.values())
    return [
        Way(
            name="direct" if most == 1 else f"direct {number + 1}",
            targets={
                port: Target(host=found[number % len(found)].host, port=found[number % len(found)].port)
                for port, found in side.endpoints.items()
            },
        )
        for number in range(most)
    ]


def through(stretch: Stretch, points: Sequence[ProbePoint], token: str | None) -> Sequence[Way]:
    """Through each gateway instance, by the probe path of `token` or, without one, as any user."""
    return [
        Way(
            name=f"via {point.instance}",
            targets={port.name: target_at(point, token) for port in stretch.route.ports},
            gateway=True,
        )
        for point in points
    ]


def target_at(point: ProbePoint, token: str | None) -> Target:
    """What to connect to in order to ask through one gateway instance."""
    return Target(
        host=point.endpoint.host,
        port=point.endpoint.port,
        tls=point.tls,
        server_name=point.server_name,
        ca_file=point.ca_file,
        headers={PROBE_HEADER: token} if token else {},
    )


async def ways_to(
    parts: Parts, application: Application, side: Backend, token: str | None, waived: Sequence[str]
) -> Sequence[Way]:
    """All ways to one side."""
    ways = list(direct(side))
    found = await stretches(parts, application)
    for stretch, points in zip(found, await asyncio.gather(*(probe_points(s, waived) for s in found)), strict=True):
        ways += through(stretch, points, token)
    return ways
