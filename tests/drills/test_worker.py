# SPDX-License-Identifier: Apache-2.0
"""When the worker is killed: Temporal keeps its relocations, another worker goes on with them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import pytest

from relocate.demo.system import System
from relocate.model.relocation import Phase
from tests.drills.moments import MOMENTS
from tests.drills.scene import FLOWS, Scene

Stage = Callable[..., Awaitable[Scene]]

SECONDS = 12.0
"""Long enough for all relocations of a drill to be hit at once, on a busy machine too."""
BUSY_SECONDS = 90
"""Longest time until several relocations have ended that go on at once."""
LIGHT = tuple(flow.model_copy(update={"rate": flow.rate / 2}) for flow in FLOWS)
"""Of each application, where several are moved at once."""

TOGETHER = (
    ("select",),
    ("deploy", "ready", "transfer"),
    ("prepare",),
    ("switch", "bake", "drain"),
    ("teardown",),
    ("teardown, past the point of no return",),
)
"""Every moment; those that nothing hangs for are met by one kill, each by an application of its own."""
WATCHED = [one for one in MOMENTS if one.phase not in (Phase.SELECT, Phase.DEPLOY) and not one.past_return]
"""Moments at which the prober runs and has not said its last: a time without a worker is a hole, and on record."""


def test_every_moment_is_met() -> None:
    """No phase is forgotten."""
    assert sorted(name for names in TOGETHER for name in names) == sorted(moment.name for moment in MOMENTS)


@pytest.mark.parametrize("names", TOGETHER, ids=" and ".join)
async def test_when_the_worker_is_killed_another_one_completes_the_relocation(
    stage: Stage, system: System, names: Sequence[str]
) -> None:
    """SIGKILL in the middle of these phases: traffic does not notice, and the relocations complete."""
    moments = [moment for moment in MOMENTS if moment.name in names]
    scenes = [await stage(LIGHT) for _ in moments]
    async with AsyncExitStack() as all_moments:
        entered = [moment.of(scene, seconds=SECONDS) for moment, scene in zip(moments, scenes, strict=True)]
        moves = await asyncio.gather(*(all_moments.enter_async_context(moment) for moment in entered))
        await system.processes.kill("worker")
        await system.start_worker()
        assert [(await move.view()).phase for move in moves] == [moment.phase for moment in moments]
    for moment, scene, move in zip(moments, scenes, moves, strict=True):
        await scene.completed(move, BUSY_SECONDS)
        assert scene.unwatched(move) or moment not in WATCHED
        (await scene.losses()).none()
