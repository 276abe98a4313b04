# SPDX-License-Identifier: Apache-2.0
"""When an attempt of the switch lands after its undo."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest_asyncio

from relocate.demo.system import System
from relocate.model.relocation import Outcome, Phase
from tests.drills import stalling_worker
from tests.drills.scene import A, B, Scene
from tests.drills.waiting import eventually
from tests.line import Line

Stage = Callable[..., Awaitable[Scene]]
WORKER = "stalling-worker"


@pytest_asyncio.fixture(loop_scope="session")
async def stalling(system: System, tmp_path: Path) -> AsyncIterator[Line]:
    """The only worker stalls right before it would give mec-b weight; its way to Temporal, which the stall takes along."""
    to_temporal = Line(system.ports.temporal)
    await to_temporal.start()
    await system.processes.stop("worker")
    argv = [sys.executable, stalling_worker.__file__, B, str(tmp_path)]
    environment = {"TEMPORAL_ADDRESS": f"127.0.0.1:{to_temporal.port}"}
    await system.processes.start(WORKER, argv, environment=environment)
    yield to_temporal
    await system.processes.kill(WORKER)
    await to_temporal.close()
    if all(one.name != "worker" for one in system.processes.running):
        await system.start_worker()


async def test_when_a_late_attempt_of_the_switch_lands_after_its_undo_the_fence_refuses_it(
    stage: Stage, system: System, stalling: Line, tmp_path: Path
) -> None:
    """A stalled worker goes on when another one has long gone back: its write changes nothing, and users stay on A."""
    scene = await stage()
    move = await scene.move()
    await until_there(tmp_path / "stalled")
    async with stalling.cut():
        await system.start_worker()
        assert (await move.view()).phase is Phase.SWITCH
        await move.command("cancel")
        await scene.went_back(move, Outcome.CANCELLED)
        undone = await scene.document()
        os.kill(system.processes.named(WORKER).process.pid, signal.SIGCONT)
        await until_there(tmp_path / "late")
    assert (tmp_path / "late").read_text().startswith("Fenced: fence ")
    assert await scene.document() == undone
    await scene.serves_from(A, not_from=B)
    scene.recorded_whole(move)
    (await scene.losses()).none()


async def until_there(file: Path) -> None:
    """Wait for a file."""

    async def there() -> bool:
        return await asyncio.to_thread(file.exists)

    await eventually(there, f"there: {file.name}")
