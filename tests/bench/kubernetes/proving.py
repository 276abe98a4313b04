# SPDX-License-Identifier: Apache-2.0
"""From the write of an HTTPRoute until it is proven live on every replica, against what a stranger sees of the same write.

Ours is the product's own activity `steer`: from the call of `apply` to the last proving answer. The stranger asks each replica
all the time and remembers when the last answer of the old side came. Traefik takes a first change at once, and one that follows
within two seconds only when they are over; so there is a row for each.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import aiohttp

from relocate.demo import site
from relocate.phases.documents import Sides
from steering.adapters.gateway_api import GatewayApiAdapter
from steering.model import SIDE_HEADER, Backend, Endpoint
from tests.bench.kubernetes.stage import Stage
from tests.bench.kubernetes.steps import Steps, steps
from tests.bench.rows import Reach, Row, Times, timed
from tests.bench.timed import Timed
from tests.e2e.scene import A, B

NAME = "proving"
QUIET_SECONDS, SOON_SECONDS = 3.0, 0.3
"""Since the last write was live: more than Traefik's throttle of 2 s, and less."""
LOOK_SECONDS = 0.01
"""Between two questions to a replica."""
AFTER_SECONDS = 0.3
"""So long the stranger goes on when all is proven: what he sees of the old side then would belie the proof."""


class TimedGateway(Timed, GatewayApiAdapter):
    """That of the gateway."""


@dataclass
class Stranger:
    """Asks each replica, and knows nothing of the service."""

    stage: Stage
    route: str
    last: dict[tuple[str, str], float] = field(default_factory=dict)
    """When it was last answered, by replica and side."""

    @asynccontextmanager
    async def watching(self) -> AsyncIterator["Stranger"]:
        """While the block runs."""
        async with aiohttp.ClientSession() as session:
            tasks = [
                asyncio.create_task(self._ask(session, *replica)) for replica in self.stage.entry.listeners.items()
            ]
            try:
                yield self
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def last_of(self, side: str) -> float:
        """When the slowest replica last answered for a side."""
        return max(self.last[replica, side] for replica in self.stage.entry.listeners)

    async def _ask(self, session: aiohttp.ClientSession, replica: str, listener: Endpoint) -> None:
        host = site.host_of(self.route)
        while True:
            answer = await session.get(
                f"https://{listener}/whoami", headers={"host": host}, server_hostname=host, ssl=self.stage.site.trust
            )
            async with answer:
                await answer.read()
            self.last[replica, answer.headers[SIDE_HEADER]] = time.perf_counter()
            await asyncio.sleep(LOOK_SECONDS)


async def measure(stage: Stage, rounds: int) -> Sequence[Row]:
    """A row for a write after a quiet time, and one for a write soon after another."""
    stage.tell(f"{NAME}: {2 * rounds} writes, seen by a stranger as well")
    application = stage.application("proving")
    async with steps(stage, application) as ours, _timed(stage) as adapter:
        ours.parts.brought[stage.entry.name] = adapter
        backends = [(await ours.deploy(cluster, f"proving-{cluster}")).backend for cluster in (A, B)]
        for backend in backends:
            await ours.passes(backend)
        await ours.steer(_sides(backends, A))
        async with Stranger(stage, application.name).watching() as stranger:
            found = [await _pair(ours, adapter, stranger, backends) for _ in range(rounds)]
    quiet, soon = zip(*found, strict=True)
    return [_row("after a quiet time", quiet), _row(f"{SOON_SECONDS:g} s after another one was live", soon)]


class Seen(NamedTuple):
    """One write, in milliseconds since it was begun."""

    proven: float
    last_old: float
    written: float


async def _pair(
    ours: Steps, adapter: TimedGateway, stranger: Stranger, backends: Sequence[Backend]
) -> tuple[Seen, Seen]:
    """There after a quiet time, and back soon after."""
    await asyncio.sleep(QUIET_SECONDS)
    there = await _flip(ours, adapter, stranger, _sides(backends, B), A)
    await asyncio.sleep(SOON_SECONDS)
    return there, await _flip(ours, adapter, stranger, _sides(backends, A), B)


async def _flip(ours: Steps, adapter: TimedGateway, stranger: Stranger, sides: Sides, old: str) -> Seen:
    """One write."""
    steered = await ours.steer(sides)
    await asyncio.sleep(AFTER_SECONDS)
    began, written = adapter.began, adapter.written - adapter.began
    seconds = (written + max(steered.live_seconds.values()), stranger.last_of(old) - began, written)
    return Seen(*(1000 * one for one in seconds))


def _sides(backends: Sequence[Backend], to: str) -> Sides:
    weights = {one.name: 100 if one.name == to else 0 for one in backends}
    return Sides(backends=tuple(backends), weights=weights)


def _row(when: str, seen: Sequence[Seen]) -> Row:
    belied = sum(one.last_old > one.proven for one in seen)
    return timed(
        NAME,
        f"HTTPRoute patched, {when} -> proven live on every replica (k = 5), p50",
        Times([one.proven for one in seen]),
        Times([one.last_old for one in seen]),
        against="the last old answer at the slowest replica, as a stranger saw it",
        reach=Reach(1.5),
        note=f"of ours: the write itself {Times([one.written for one in seen]).p50:.1f} ms; "
        f"proofs that the stranger belies: {belied}",
    )


@asynccontextmanager
async def _timed(stage: Stage) -> AsyncIterator[TimedGateway]:
    adapter = TimedGateway.open(stage.entry.name, stage.site.settings, database_url="")
    try:
        yield adapter
    finally:
        await adapter.close()
