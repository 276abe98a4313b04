# SPDX-License-Identifier: Apache-2.0
"""When a gateway instance refuses what it is told."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

from relocate.demo import site
from relocate.demo.system import System
from relocate.model.relocation import Outcome, Phase
from tests.drills.scene import A, B, Scene, step

Stage = Callable[..., Awaitable[Scene]]


@pytest_asyncio.fixture(loop_scope="session")
async def lesser(system: System) -> AsyncIterator[str]:
    """One of the two Envoys is a build without aggregate clusters: it takes routes to one side, and no fail-over."""
    system.envoy = {"edge-2": site.LESSER_ENVOY}
    await system.restart_gateway("edge-2")
    yield "edge-2"
    system.envoy = {}
    await system.restart_gateway("edge-2")


async def test_when_a_gateway_rejects_the_switch_the_others_go_back_too(lesser: str, stage: Stage) -> None:
    """edge-1 has taken the switch, edge-2 refuses it: both send everybody to A again, and nothing was lost."""
    scene = await stage()
    move = await scene.move()
    view = await move.ends()
    assert view.outcome is Outcome.ROLLED_BACK
    assert f"gateway instance {lesser} rejected the configuration" in view.sentence
    assert step(view, Phase.READY).state in {"done", "undone"}
    assert step(view, Phase.SWITCH).state == "undone"
    await scene.serves_from(A, not_from=B)
    scene.recorded_whole(move)
    (await scene.losses()).none()
