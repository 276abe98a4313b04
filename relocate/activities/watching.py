# SPDX-License-Identifier: Apache-2.0
"""The prober at work during a relocation, and what it has seen."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

from temporalio import activity

from relocate.activities import calls
from relocate.activities.beginning import looking
from relocate.activities.failures import translated
from relocate.activities.orders import WatchOrder
from relocate.activities.ways import Stretch, probe_points, stretches
from relocate.parts import Parts
from relocate.phases.judging import Sample, slow_by_chance
from relocate.prober.claim import summed
from relocate.prober.histogram import added
from relocate.prober.records import Failure, Second
from relocate.prober.route import watch_route
from relocate.store.database import Database
from relocate.store.watched import SeenFailure

UNATTRIBUTED = ""
"""Side of failures that no backend answered: nobody knows whose they were, so they count against whoever is judged."""


class Watching:
    """The activity that runs from before `prepare` to the end of the relocation."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.WATCH.name)
    @translated
    async def watch(self, order: WatchOrder) -> None:
        """Watch every route through every gateway instance until cancelled. A time without us is a hole on record."""
        async with looking(self._parts.database, order):
            found = await stretches(self._parts, order.application)
            try:
                await asyncio.gather(*(self._watch(order, stretch) for stretch in found))
            except asyncio.CancelledError:
                # Being cancelled is how a watch ends: the relocation is over, and the last seconds have been kept.
                if not activity.is_cancelled():
                    raise

    async def _watch(self, order: WatchOrder, stretch: Stretch) -> None:
        route = stretch.route
        port = next(port for port in route.ports if port.name == route.watch.port)
        points = await probe_points(stretch)
        sink = self._sink(order.relocation, route.name)
        await watch_route(route.watch, port, points, sink, stop=asyncio.Event())

    def _sink(self, relocation: str, route: str) -> Callable[[Sequence[Second], Sequence[Failure]], Awaitable[None]]:
        watched = self._parts.database.watched

        async def keep(seconds: Sequence[Second], failures: Sequence[Failure]) -> None:
            rows = {(one.vantage, one.second): one.model_dump(mode="json") for one in seconds}
            seen = [
                SeenFailure(route, one.vantage, one.at, f"{one.result}: {one.words} ({one.side or 'no side'})")
                for one in failures
            ]
            await asyncio.to_thread(watched.put, relocation, route, rows, seen)

        return keep


async def seconds_between(
    database: Database, relocation: str, since: float, until: float, *, route: str | None = None
) -> Sequence[Second]:
    """What the prober recorded in the seconds that touch this time (epoch seconds), of one route or all."""
    rows = await asyncio.to_thread(
        database.watched.seconds, relocation, route=route, since=math.floor(since), until=math.ceil(until)
    )
    return [Second.model_validate(body) for _, _, _, body in rows]


async def seen_between(database: Database, relocation: str, side: str, since: float, until: float) -> Sample:
    """One side's sample over some time, with the failures that nobody answered."""
    return sample_of(await seconds_between(database, relocation, since, until), side)


def sample_of(seconds: Sequence[Second], side: str, nobody_since: float = 0.0) -> Sample:
    """One side's sample in these seconds.

    Failures that nobody answered are counted in whole seconds that began after `nobody_since`: in the second that a
    switch cuts, they may be those of the side that was left.
    """
    own = summed(seconds).by_side.get(side)
    nobody = summed(one for one in seconds if one.second >= nobody_since).by_side.get(UNATTRIBUTED)
    lost = nobody.count if nobody else 0
    if own is None:
        return Sample(requests=lost, errors=lost)
    histogram = added([own.histogram])
    certain = 1 - slow_by_chance(histogram.total) / histogram.total if histogram.total else 0.0
    return Sample(
        requests=own.count + lost,
        errors=own.errors + lost,
        p99_seconds=_seconds(histogram.quantile(0.99)),
        p99_at_least_seconds=_seconds(histogram.quantile(max(certain, 0.5))),
    )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def strays(seconds: Sequence[Second], side: str, after: float) -> tuple[int, int]:
    """Answers from elsewhere than `side`, and all answers, in whole seconds that began after `after`."""
    later = [second for second in seconds if second.second >= after]
    counts = {name: count.count for name, count in summed(later).by_side.items() if name != UNATTRIBUTED}
    return sum(count for name, count in counts.items() if name != side), sum(counts.values())
