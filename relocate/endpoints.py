# SPDX-License-Identifier: Apache-2.0
"""Keeping routes in step with where placed instances listen, for as long as they are placed.

An instance that was rescheduled, or an external one that moved, is not an outage: its endpoints change, without a new
version of any route. Only instances that run are followed; one that does not is a matter of health checks.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import structlog

from relocate.clusters.contract import InstanceState, Observation
from relocate.errors import RelocateError
from relocate.model.placement import Placement
from relocate.parts import Parts
from steering.model import Endpoint
from steering.store.routes import RouteStore, StoredRoute

PERIOD_SECONDS = 1.0
"""Time between two looks at every placed instance."""

Endpoints = Mapping[str, tuple[Endpoint, ...]]

_log = structlog.get_logger(__name__)


async def keep_current(parts: Parts) -> None:
    """Look at every placed instance once a second, until cancelled. What cannot be asked now is asked the next time."""
    following = Following(parts)
    while True:
        await following.look()
        await asyncio.sleep(PERIOD_SECONDS)


class Following:
    """Follows every placed instance that a route names. A document is read again only in another version."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: the database, and the clusters' drivers."""
        self._parts = parts
        self._routes = RouteStore(parts.database.engine)
        self._stored: dict[tuple[str, str], StoredRoute] = {}
        """By gateway and route, as last read."""

    async def look(self) -> Sequence[str]:
        """Move the endpoints of those instances that listen elsewhere now; which they are."""
        placed, known = await asyncio.to_thread(lambda: (self._parts.database.placements.all(), self._known()))
        return [one.instance for one in placed if one.instance in known and await self._moved(one, known[one.instance])]

    async def _moved(self, placement: Placement, known: Endpoints) -> bool:
        try:
            driver = await self._parts.driver(placement.cluster)
            observed = await driver.observe(placement.application, placement.instance)
        except RelocateError as error:
            _log.debug("an instance cannot be observed now", instance=placement.instance, reason=str(error))
            return False
        if not _elsewhere(observed, known):
            return False
        await asyncio.to_thread(self._routes.move_endpoints, placement.instance, observed.endpoints)
        _log.info("an instance listens elsewhere now", instance=placement.instance, endpoints=str(observed.endpoints))
        return True

    def _known(self) -> Mapping[str, Endpoints]:
        """By instance: where the routes believe it to be."""
        self._read_changed()
        known: dict[str, dict[str, tuple[Endpoint, ...]]] = defaultdict(dict)
        for stored in self._stored.values():
            for backend in stored.document.backends if stored.document else ():
                known[backend.instance] |= backend.endpoints
        for instance, endpoints in self._routes.moved_endpoints().items():
            if instance in known:
                known[instance] |= endpoints
        return known

    def _read_changed(self) -> None:
        versions = self._routes.versions()
        changed: dict[str, list[str]] = defaultdict(list)
        for (gateway, route), version in versions.items():
            known = self._stored.get((gateway, route))
            if known is None or known.version != version:
                changed[gateway].append(route)
        self._stored = {key: stored for key, stored in self._stored.items() if key in versions}
        for gateway, names in changed.items():
            found = self._routes.some(gateway, names)
            self._stored |= {(gateway, route): stored for route, stored in found.items()}


def _elsewhere(observed: Observation, known: Endpoints) -> bool:
    if observed.state is not InstanceState.RUNNING or not all(observed.endpoints.get(port) for port in known):
        return False
    return any(set(observed.endpoints[port]) != set(found) for port, found in known.items())
