# SPDX-License-Identifier: Apache-2.0
"""The prober at work during a relocation, and what it has seen."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from temporalio import activity

from relocate.activities import calls
from relocate.activities.beginning import looking
from relocate.activities.failures import translated
from relocate.activities.orders import WatchOrder
from relocate.activities.ways import Stretch, probe_points, stretches
from relocate.evidence.rows import Seen, SeenFailure, WatchedSecond, told, told_by
from relocate.evidence.samples import Told
from relocate.metrics.worker import EVIDENCE, PROBER_REQUESTS, PROBER_UNSENT, PROBERS
from relocate.parts import Parts
from relocate.prober.records import Failure, Second
from relocate.prober.route import watch_route
from relocate.store import watched as store
from relocate.store.database import Database
from steering.errors import SteeringError, UnknownRoute
from steering.model import ProbePoint
from steering.store.batches import Batches

LOOK_AGAIN_SECONDS = 2.0
"""Time between two looks for gateway instances that were not there before."""


class Watching:
    """The activity that runs from before `prepare` to the end of the relocation."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts
        self._hand_overs = Batches(self._keep)

    @activity.defn(name=calls.WATCH.name)
    @translated
    async def watch(self, order: WatchOrder) -> None:
        """Watch every route through every gateway instance until cancelled. A time without us is a hole on record."""
        async with looking(self._parts.database, order):
            with PROBERS.track_inprogress():
                await self._watch_all(order)

    async def _watch_all(self, order: WatchOrder) -> None:
        found = await stretches(self._parts, order.application)
        try:
            await asyncio.gather(*(self._watch(order, stretch) for stretch in found))
        except asyncio.CancelledError:
            # Being cancelled is how a watch ends: the relocation is over (or its run has ended before we heard of that, and
            # is not found), and the last seconds have been kept. Where it is the worker that ends, which cancels too,
            # another one has to go on.
            why = activity.cancellation_details()
            if why is None or not (why.cancel_requested or why.not_found):
                raise

    async def _watch(self, order: WatchOrder, stretch: Stretch) -> None:
        route = stretch.route
        port = next(port for port in route.ports if port.name == route.watch.port)
        sink = self._sink(order.relocation, route.name)
        try:
            async with asyncio.TaskGroup() as group:
                async for points in _newcomers(stretch):
                    group.create_task(watch_route(route.watch, port, points, sink, stop=asyncio.Event()))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    def _sink(self, relocation: str, route: str) -> Callable[[Sequence[Second], Sequence[Failure]], Awaitable[None]]:
        attempt = activity.info().attempt

        async def keep(seconds: Sequence[Second], failures: Sequence[Failure]) -> None:
            rows = {(told_by(one.vantage, attempt), one.second): one.model_dump(mode="json") for one in seconds}
            seen = [
                store.SeenFailure(route, one.vantage, one.at, f"{one.result}: {one.words} ({one.side or 'no side'})")
                for one in failures
            ]
            try:
                await self._hand_overs.store(store.HandOver(relocation, route, rows, seen))
            except Exception:
                EVIDENCE.labels("seconds", "failed").inc()
                raise
            _count(seconds)

        return keep

    def _keep(self, hand_overs: Sequence[store.HandOver]) -> Sequence[None]:
        """Those of all relocations together: every prober hands over when a second ends."""
        self._parts.database.watched.put(*hand_overs)
        return [None] * len(hand_overs)


def _count(seconds: Sequence[Second]) -> None:
    """For the metrics: what was stored, once."""
    EVIDENCE.labels("seconds", "stored").inc()
    for result in ("right", "wrong", "failed", "unfinished"):
        PROBER_REQUESTS.labels(result).inc(sum(getattr(one, result) for one in seconds))
    PROBER_UNSENT.inc(sum(one.due - one.sent for one in seconds))


async def _newcomers(stretch: Stretch) -> AsyncIterator[Sequence[ProbePoint]]:
    """The gateway instances that there are, and for ever those that come later: their time begins when they come."""
    known: set[str] = set()
    while True:
        try:
            points = await probe_points(stretch)
        except SteeringError as error:
            if not known and not isinstance(error, UnknownRoute):
                raise
            activity.logger.info("%s is not looked at again now: %s", stretch.key, error)
            points = []
        if new := [point for point in points if point.instance not in known]:
            known |= {point.instance for point in new}
            yield new
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def seconds_between(database: Database, relocation: str, since: float, until: float) -> Seen:
    """What the prober recorded in the seconds that touch this time (epoch seconds), of all routes."""
    rows = await asyncio.to_thread(
        database.watched.seconds, relocation, since=math.floor(since), until=math.ceil(until)
    )
    return Seen(since, until, [WatchedSecond(route=r, vantage=v, second=s, body=b) for r, v, s, b in rows])


async def told_so_far(database: Database, relocation: str) -> Told:
    """How many failures the prober has told so far, and their digest."""
    found = await asyncio.to_thread(database.watched.failures, relocation, None)
    return told([SeenFailure(**failure._asdict()) for failure in found])
