# SPDX-License-Identifier: Apache-2.0
"""Requests lost over relocations between two real clusters under all protocols, and by hand, with a wait and without.

Two lanes at once. In each an application of ours and one that is moved by hand take turns, so that all meet the same machine.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from tests.bench.kubernetes.by_hand import ByHand
from tests.bench.kubernetes.placed import placed
from tests.bench.kubernetes.stage import Stage
from tests.bench.losses import row
from tests.bench.moving import flows
from tests.bench.ours import relocate
from tests.bench.rows import Row
from tests.bench.watched import Watched
from tests.e2e.scene import A, B

NAME = "losses"
LANES = 2
SHARE = 0.25
"""Of the demo's traffic, for each of the four applications."""
REPLICAS = 2


class Way(StrEnum):
    """How an application is moved."""

    OURS = "ours"
    BY_HAND = "kubectl apply, rollout status, patch httproute, delete"
    UNWAITED = "the same without rollout status"


@dataclass(frozen=True)
class Lane:
    """One application of ours, and one that is moved by hand."""

    stage: Stage
    ours: Watched
    theirs: Watched
    by_hand: ByHand

    async def round(self) -> None:
        """There and back: two relocations of ours, and one move in each other way."""
        for target, way in ((B, Way.BY_HAND), (A, Way.UNWAITED)):
            await self.ours.during(Way.OURS, self._ours(target))
            await self.theirs.during(way, self.by_hand.move(waits=way is Way.BY_HAND))

    async def _ours(self, target: str) -> None:
        self.ours.views.append(await relocate(self.stage.system, self.ours.name, target))
        self.stage.system.processes.check()


async def measure(stage: Stage, rounds: int) -> Sequence[Row]:
    """One row for ours, to be 0, and one for each other way."""
    stage.tell(f"{NAME}: {2 * LANES * rounds} relocations of ours, and as many by hand, in turns")
    async with AsyncExitStack() as stack:
        lanes = [await stack.enter_async_context(_lane(stage, number)) for number in range(LANES)]
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(_run(lane, rounds))
    ours, theirs = [lane.ours for lane in lanes], [lane.theirs for lane in lanes]
    return [
        row(NAME, Way.OURS, ours, ours=True),
        *(row(NAME, way, theirs, ours=False) for way in (Way.BY_HAND, Way.UNWAITED)),
    ]


async def _run(lane: Lane, rounds: int) -> None:
    for number in range(rounds):
        await lane.round()
        lane.stage.tell(f"{NAME}: {lane.ours.name} and {lane.theirs.name}, round {number + 1} of {rounds}")


@asynccontextmanager
async def _lane(stage: Stage, number: int) -> AsyncIterator[Lane]:
    by_hand, name = ByHand(stage, number, replicas=REPLICAS), f"ours-{number}"
    ours, theirs = (Watched(one, stage.traffic(one, flows(SHARE))) for one in (name, by_hand.name))
    await stage.system.describe(stage.application(name, replicas=REPLICAS))
    async with placed(stage, {name: A}):
        try:
            await by_hand.place()
            await asyncio.gather(ours.flow(), theirs.flow())
            yield Lane(stage, ours, theirs, by_hand)
        finally:
            await asyncio.gather(ours.traffic.stop(), theirs.traffic.stop())
            await by_hand.remove()
