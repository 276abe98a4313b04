# SPDX-License-Identifier: Apache-2.0
"""Keeping routes in step with where placed instances listen, for as long as they are placed.

An instance that was rescheduled, or an external one that moved, is not an outage: its endpoints change, without a new
version of any route. Only instances that run are followed; one that does not is a matter of health checks.
"""

import asyncio
from collections.abc import Mapping

import structlog

from relocate.clusters.contract import InstanceState, Observation
from relocate.errors import RelocateError
from relocate.model.application import Application
from relocate.model.placement import Placement
from relocate.parts import Parts
from steering.model import Backend, Endpoint
from steering.store.routes import RouteStore

PERIOD_SECONDS = 1.0
"""Time between two looks at every placed instance."""

Endpoints = Mapping[str, tuple[Endpoint, ...]]

_log = structlog.get_logger(__name__)


async def keep_current(parts: Parts) -> None:
    """Look at every placed instance once a second, until cancelled. What cannot be asked now is asked the next time."""
    routes = RouteStore(parts.database.engine)
    while True:
        for application in await asyncio.to_thread(parts.database.catalogue.list, Application):
            for placement in await asyncio.to_thread(parts.database.placements.of, application.name):
                await follow(parts, routes, application, placement)
        await asyncio.sleep(PERIOD_SECONDS)


async def follow(parts: Parts, routes: RouteStore, application: Application, placement: Placement) -> bool:
    """Move one instance's endpoints in the routes if it listens elsewhere now; whether it did."""
    known = await asyncio.to_thread(_known, routes, application, placement.instance)
    if known is None:
        return False
    try:
        observed = await (await parts.driver(placement.cluster)).observe(application.name, placement.instance)
    except RelocateError as error:
        _log.debug("an instance cannot be observed now", instance=placement.instance, reason=str(error))
        return False
    if not _elsewhere(observed, known):
        return False
    await asyncio.to_thread(routes.move_endpoints, placement.instance, observed.endpoints)
    _log.info("an instance listens elsewhere now", instance=placement.instance, endpoints=str(observed.endpoints))
    return True


def _elsewhere(observed: Observation, known: Endpoints) -> bool:
    if observed.state is not InstanceState.RUNNING or not all(observed.endpoints.get(port) for port in known):
        return False
    return any(set(observed.endpoints[port]) != set(found) for port, found in known.items())


def _known(routes: RouteStore, application: Application, instance: str) -> Endpoints | None:
    """Where the routes believe the instance to be; None when no route names it."""
    moved = routes.moved_endpoints().get(instance, {})
    for route in application.routes:
        for gateway in route.gateways:
            stored = routes.read(gateway, route.name)
            backends: tuple[Backend, ...] = stored.document.backends if stored and stored.document else ()
            for backend in backends:
                if backend.instance == instance:
                    return {**backend.endpoints, **moved}
    return None
