# SPDX-License-Identifier: Apache-2.0
"""Many relocations at once between two clusters, half of them each way, against one alone, while all applications are used.

As many applications of one pod each; all is the same for the one alone but that the others stay where they are.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from typing import Any

from relocate.demo import site
from relocate.demo.drive import Traffic
from relocate.demo.traffic.plan import Flow, Protocol
from relocate.model.application import Application
from relocate.model.relocation import Outcome, View
from steering.model import Endpoint
from tests.bench.kubernetes.placed import placed
from tests.bench.kubernetes.stage import Stage
from tests.bench.losses import row
from tests.bench.ours import relocate
from tests.bench.rows import Reach, Row, Times, timed
from tests.bench.watched import Watched
from tests.e2e.scene import A, B

NAME = "at-once"
COUNT = 20
PERIOD_SECONDS = 0.25
"""Between two requests of each prober through each replica: with the sample's 0.05 s, forty of them are a load test."""
SAMPLES = 5
"""That a side is judged by, at least: at this period the twenty of a policy are longer in coming than one relocation takes."""
FLOWS = tuple(
    Flow(protocol=protocol, rate=rate, path="/ws" if protocol is Protocol.WEBSOCKET else "/whoami", life_seconds=2)
    for protocol, rate in (
        (Protocol.HTTP1, 10),
        (Protocol.HTTP2, 10),
        (Protocol.GRPC, 10),
        (Protocol.WEBSOCKET, 10),
    )
)
"""For half of the applications together."""


class Way(StrEnum):
    """How many move."""

    ONE = "one alone"
    ALL = "all at once"


class Crowd(Traffic):
    """One UE's traffic to several applications, all through one replica."""

    def __init__(self, stage: Stage, replica: str, names: Sequence[str]) -> None:
        """Args: stage: where; replica: of the gateway; names: of the applications."""
        super().__init__(stage.system, f"crowd-{replica}", FLOWS)
        self.instances = names
        self._listener: Endpoint = stage.entry.listeners[replica]

    def _gateway(self, instance: str) -> dict[str, Any]:
        certificate = str(self._system.certificates.ca)
        return {
            "name": instance,
            **self._listener.model_dump(),
            "server_name": site.host_of(instance),
            "ca_file": certificate,
        }


async def measure(stage: Stage, rounds: int) -> Sequence[Row]:
    """A row for the time, and one for what was lost meanwhile."""
    stage.tell(f"{NAME}: {COUNT} applications; {rounds} relocations of one alone, and of all at once")
    names = [f"many-{number}" for number in range(COUNT)]
    async with AsyncExitStack() as stack:
        homes = {name: (A, B)[number % 2] for number, name in enumerate(names)}
        for name in names:
            await stage.system.describe(_application(stage, name))
        await stack.enter_async_context(placed(stage, homes))
        crowds = [
            await stack.enter_async_context(_crowd(stage, replica, names[at :: len(stage.entry.listeners)]))
            for at, replica in enumerate(stage.entry.listeners)
        ]
        alone, together = [], []
        for number in range(rounds):
            alone.append(await _moved(stage, homes, names[number : number + 1], Way.ONE, crowds))
            together.append(await _moved(stage, homes, names, Way.ALL, crowds))
            stage.tell(f"{NAME}: round {number + 1}: one {alone[-1] / 1000:.1f} s, all {together[-1] / 1000:.1f} s")
    time_row = timed(
        NAME,
        f"{COUNT} relocations at once over two clusters, until the last has ended, p50",
        Times(together),
        Times(alone),
        against="one relocation, the other applications standing by",
        reach=Reach(5.0),
    )
    return [time_row, row(NAME, Way.ALL, crowds, ours=True)]


def _application(stage: Stage, name: str) -> Application:
    """With fewer questions of its prober, and judged by as many fewer answers."""
    made = stage.application(name)
    judging = made.policy.judging.model_copy(update={"min_samples": SAMPLES})
    policy = made.policy.model_copy(update={"judging": judging})
    (route,) = made.routes
    watch = route.watch.model_copy(update={"period_seconds": PERIOD_SECONDS})
    return made.model_copy(update={"policy": policy, "routes": (route.model_copy(update={"watch": watch}),)})


async def _moved(
    stage: Stage, homes: dict[str, str], names: Sequence[str], way: Way, crowds: Sequence[Watched]
) -> float:
    """Move these to the other cluster; milliseconds until the last has ended."""
    began = time.perf_counter()
    moving = asyncio.create_task(_relocated(stage, homes, names))
    ended: list[float] = []
    moving.add_done_callback(lambda _: ended.append(time.perf_counter()))
    await asyncio.gather(*(crowd.during(way, asyncio.shield(moving)) for crowd in crowds))
    if way is Way.ALL:
        crowds[0].views += moving.result()
    return 1000 * (ended[0] - began)


async def _relocated(stage: Stage, homes: dict[str, str], names: Sequence[str]) -> Sequence[View]:
    """All of them, at once.

    Raises:
        RuntimeError: one did not complete.
    """
    targets = {name: B if homes[name] == A else A for name in names}
    views = await asyncio.gather(*(relocate(stage.system, name, target) for name, target in targets.items()))
    for view in views:
        if view.outcome is not Outcome.COMPLETED:
            raise RuntimeError(f"{view.application} {view.outcome}: {view.sentence}")
    homes |= targets
    return views


@asynccontextmanager
async def _crowd(stage: Stage, replica: str, names: Sequence[str]) -> AsyncIterator[Watched]:
    crowd = Watched(f"crowd-{replica}", Crowd(stage, replica, names))
    await crowd.flow()
    try:
        yield crowd
    finally:
        await crowd.traffic.stop()
