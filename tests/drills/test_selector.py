# SPDX-License-Identifier: Apache-2.0
"""When the MEC orchestrator (MEO) chooses a cluster that it was not offered."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

from relocate.demo.processes import free_ports, listens
from relocate.demo.system import System
from relocate.model.relocation import Outcome, Phase
from tests.drills import meo
from tests.drills.scene import A, B, Scene

Stage = Callable[..., Awaitable[Scene]]
STRANGE = "mec-z"


@pytest_asyncio.fixture(loop_scope="session")
async def stubborn(system: System) -> AsyncIterator[str]:
    """The worker asks a MEO that always says this, and nobody else when the answer is void."""
    (port,) = free_ports(1)
    await system.processes.start("meo", [sys.executable, meo.__file__, str(port), STRANGE])
    await system.processes.wait_for("meo", lambda: listens(port))
    asks = {
        "RELOCATE_SELECTOR": "http",
        "RELOCATE_SELECTOR_SETTINGS": json.dumps({"url": f"http://127.0.0.1:{port}/rank"}),
        "RELOCATE_SELECTOR_FALLBACK": "fail",
    }
    await system.processes.stop("worker")
    await system.start_worker(environment=asks)
    yield STRANGE
    await system.processes.stop("worker", "meo")
    await system.start_worker()


async def test_when_the_selector_answers_a_cluster_that_was_not_offered_nothing_is_deployed(
    stage: Stage, stubborn: str
) -> None:
    """The answer is void: the reason is told, and nothing was touched."""
    scene = await stage()
    before = await scene.document()
    move = await scene.move()
    view = await move.ends()
    assert view.outcome is Outcome.NO_TARGET
    assert f"names what was not offered: {stubborn}" in view.sentence
    (decision,) = scene.told(move, "decision")
    assert decision["sentence"] == view.sentence
    assert {one.phase for one in view.steps if one.state != "skipped"} == {Phase.SELECT}
    assert await scene.document() == before
    await scene.serves_from(A, not_from=B)
    scene.recorded_whole(move)
    await scene.calm(1.0)  # it has ended within a moment, and users are to be many
    (await scene.losses()).none()
