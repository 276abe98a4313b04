# SPDX-License-Identifier: Apache-2.0
"""Keeping gateways in step with where placed instances listen, for as long as they are placed.

An instance that was rescheduled, or an external one that moved, is not an outage: its endpoints change, without a new
version of any route. Only instances that run are followed; one that does not is a matter of health checks.

Every gateway of an instance's application is told once after a start, whenever something has changed, and from time to time
while the application moves: a document that is written then may be older than what a gateway was told.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from relocate.clusters.contract import InstanceState, Observation
from relocate.errors import NotFound, RelocateError
from relocate.model.application import Application
from relocate.model.placement import Placement
from relocate.parts import Parts
from steering.model import Endpoints

PERIOD_SECONDS = 1.0
"""Time between two looks at every placed instance."""
REPEAT_SECONDS = 5.0
"""While an application moves, its gateways are told again after this time."""

_log = structlog.get_logger(__name__)


async def keep_current(parts: Parts) -> None:
    """Look at every placed instance once a second, until cancelled. What cannot be asked now is asked the next time."""
    following = Following(parts)
    while True:
        await following.look()
        await asyncio.sleep(PERIOD_SECONDS)


@dataclass
class _Told:
    """What was told of one instance, and who has heard it."""

    news: tuple[Endpoints, frozenset[tuple[str, bool]]]
    """Where it listens, and the application's placements as they were then."""
    at: float
    gateways: set[str] = field(default_factory=set)
    everybody: bool = False


class Following:
    """Remembers what each gateway was last told of each placed instance."""

    def __init__(self, parts: Parts, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: parts: the database, the clusters' drivers, the gateways' adapters; clock: what repeats are timed by."""
        self._parts = parts
        self._clock = clock
        self._told: dict[tuple[str, str], _Told] = {}
        """By application and instance."""

    async def look(self) -> Sequence[str]:
        """Tell gateways of instances that listen elsewhere than they were told; which instances these are."""
        placed = await asyncio.to_thread(self._parts.database.placements.all)
        kept = {_key(one) for one in placed}
        self._told = {key: told for key, told in self._told.items() if key in kept}
        beside: dict[str, set[tuple[str, bool]]] = defaultdict(set)
        for one in placed:
            beside[one.application].add((one.instance, one.active))
        silent: set[str] = set()
        return [one.instance for one in placed if await self._followed(one, frozenset(beside[one.application]), silent)]

    async def _followed(self, placement: Placement, beside: frozenset[tuple[str, bool]], silent: set[str]) -> bool:
        """Whether some gateway was told; those that are `silent` are not asked again in this look."""
        observed = await self._observed(placement)
        if observed is None:
            return False
        told = self._news(placement, observed, beside)
        if told.everybody:
            return False
        gateways = await asyncio.to_thread(self._gateways, placement.application)
        heard = {
            gateway
            for gateway in gateways
            if gateway not in told.gateways | silent and await self._tell(gateway, placement, observed, silent)
        }
        told.gateways |= heard
        told.everybody = bool(gateways) and told.gateways >= set(gateways)
        return bool(heard)

    def _news(self, placement: Placement, observed: Endpoints, beside: frozenset[tuple[str, bool]]) -> _Told:
        """What there is to tell. While an application moves, its routes are written from what was seen a while ago."""
        told, now = self._told.get(_key(placement)), self._clock()
        moving = beside != {(placement.instance, True)}
        stale = told is not None and moving and now - told.at >= REPEAT_SECONDS
        if told is None or stale or told.news != (observed, beside):
            told = self._told[_key(placement)] = _Told((observed, beside), now)
        return told

    async def _observed(self, placement: Placement) -> Endpoints | None:
        """Where it listens, if that is known for certain."""
        try:
            driver = await self._parts.driver(placement.cluster)
            observed = await driver.heard(placement.application, placement.instance)
        except RelocateError as error:
            _log.debug("an instance cannot be observed now", instance=placement.instance, reason=str(error))
            return None
        return _in_order(observed.endpoints) if _is_certain(observed) else None

    async def _tell(self, gateway: str, placement: Placement, endpoints: Endpoints, silent: set[str]) -> bool:
        try:
            adapter = await self._parts.adapter(gateway)
            known = await adapter.follow(placement.instance, endpoints)
        except Exception as error:  # noqa: BLE001 - a stranger's adapter may raise anything; others are told all the same
            silent.add(gateway)
            _log.warning(
                "a gateway cannot be told now", gateway=gateway, instance=placement.instance, reason=repr(error)
            )
            return False
        if known:
            _log.debug("a gateway was told", gateway=gateway, instance=placement.instance, endpoints=str(endpoints))
        return known

    def _gateways(self, application: str) -> Sequence[str]:
        try:
            found = self._parts.database.catalogue.get(Application, application)
        except NotFound:
            return ()
        return tuple(dict.fromkeys(gateway for route in found.routes for gateway in route.gateways))


def _key(placement: Placement) -> tuple[str, str]:
    return placement.application, placement.instance


def _in_order(endpoints: Endpoints) -> Endpoints:
    """A driver may tell the same endpoints in another order the next time."""
    return {port: tuple(sorted(found, key=lambda one: (one.host, one.port))) for port, found in endpoints.items()}


def _is_certain(observed: Observation) -> bool:
    runs = observed.state is InstanceState.RUNNING
    return runs and bool(observed.endpoints) and all(observed.endpoints.values())
