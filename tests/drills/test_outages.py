# SPDX-License-Identifier: Apache-2.0
"""When what the service stands on goes away for a while: the API, Temporal, the database, the disk."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest
from temporalio.client import Client

from relocate.demo.system import System
from relocate.model.relocation import Outcome, Phase
from relocate.store.relocations import Pending
from tests.drills.disk import SmallDisk
from tests.drills.line import Line
from tests.drills.scene import A, B, Move, Scene, eventually

Stage = Callable[..., Awaitable[Scene]]

AWAY_SECONDS = 30
FULL_SECONDS = 5
BUSY_SECONDS = 60
"""Longest time until everything goes on after it."""
ON_THE_WAY_SECONDS = 0.1


@pytest.mark.parametrize("heard", [False, True], ids=["before Temporal heard of it", "before Temporal's answer came"])
async def test_when_the_api_dies_between_accepting_and_starting_the_sweeper_starts_it_once(
    stage: Stage, system: System, heard: bool
) -> None:
    """SIGKILL when the row is there and nothing more: the caller hears nothing, and the next API starts what was kept."""
    scene = await stage()
    async with api_behind_a_line(system) as line:
        asked = asyncio.create_task(scene.move())
        pending = await accepted(scene)
        if heard:
            line.back.clear()
            await eventually(lambda: known(system, pending.id), "known to Temporal")
        else:
            line.there.clear()
        await system.processes.kill("api")
        assert [one.id for one in scene.not_started()] == [pending.id]
        assert await known(system, pending.id) is heard
    with pytest.raises(httpx.HTTPError):
        await asked
    move = scene.follow(pending.id)
    await completed(scene, move)
    assert await runs(system, pending.id) == 1
    assert scene.not_started() == []
    (await scene.losses()).none()


async def test_when_temporal_is_away_users_notice_nothing_and_nothing_is_accepted(stage: Stage, system: System) -> None:
    """SIGKILL half way through the switch, and back 30 s later: requests were answered 503, the relocation completes."""
    scene = await stage(steps=[50, 100], hold_seconds=2)
    move = await scene.move()
    await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    await system.processes.kill("temporal")
    try:
        back = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < back:
            assert (await scene.ask()).status_code == httpx.codes.SERVICE_UNAVAILABLE
            await scene.calm(1)
        assert scene.relocations() == [move.id]
    finally:
        await system.start_temporal()
    await completed(scene, move)
    (await scene.losses()).none()


async def test_when_the_database_is_locked_the_relocation_waits_and_completes_without_a_hole(
    stage: Stage, system: System
) -> None:
    """Somebody holds the write lock for 30 s, half way through the switch: nothing is lost, all that was seen is kept."""
    scene = await stage(steps=[50, 100], hold_seconds=2)
    move = await scene.move()
    await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    with locked(system):
        assert (await scene.ask()).status_code == httpx.codes.SERVICE_UNAVAILABLE
        await scene.calm(AWAY_SECONDS - 5)
    await completed(scene, move)
    assert scene.unwatched(move) == []
    (await scene.losses()).none()


async def test_when_the_disk_is_full_nothing_is_torn_down_until_evidence_can_be_kept(
    small_disk: tuple[System, SmallDisk],
) -> None:
    """ENOSPC in the drain: what it counted cannot be kept, so A stays; users are served; with space again it completes."""
    system, disk = small_disk
    async with scene_on(system, drain={"window_seconds": 2, "deadline_seconds": 60, "at_deadline": "hold"}) as scene:
        move = await scene.move()
        await move.reaches(Phase.DRAIN)
        checkpoint(system)
        with disk.full():
            await eventually(lambda: refused(system), "refused by the disk")
            await scene.calm(FULL_SECONDS)
            view = await move.view()
            assert (view.phase, view.point_of_no_return) == (Phase.DRAIN, False)
            assert [one.state for one in await system.instances(A, scene.name)] == ["running"]
            assert await scene.answers() == {B}
        await completed(scene, move)
        (await scene.losses()).none()


async def completed(scene: Scene, move: Move) -> None:
    """It ends well, on B, with a whole record."""
    view = await move.ends(BUSY_SECONDS)
    assert view.outcome is Outcome.COMPLETED, view.sentence
    await scene.serves_from(B, not_from=A)
    scene.recorded_whole(move)


@asynccontextmanager
async def api_behind_a_line(system: System) -> AsyncIterator[Line]:
    """The API reaches Temporal over a line; when the block ends the line is gone, and another API runs without it."""
    await system.processes.stop("api")
    line = Line(system.ports.temporal, delay_seconds=ON_THE_WAY_SECONDS)
    await line.start()
    try:
        await system.start_api(temporal=line.port)
        await system.api_ready()
        yield line
    finally:
        await line.close()
        await system.start_api()
        await system.api_ready()


async def accepted(scene: Scene) -> Pending:
    """What has just been kept, and not started."""
    async with asyncio.timeout(10):
        while not (found := scene.not_started()):  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.002)
    return found[0]


async def known(system: System, identity: str) -> bool:
    """Whether Temporal has it."""
    return bool(await runs(system, identity))


async def runs(system: System, identity: str) -> int:
    """How many runs Temporal knows of a relocation."""
    client = await Client.connect(f"127.0.0.1:{system.ports.temporal}")
    return len([run async for run in client.list_workflows(f"WorkflowId = '{identity}'")])


@asynccontextmanager
async def scene_on(system: System, **described: Any) -> AsyncIterator[Scene]:
    """A scene on a system of the drill's own."""
    scene = Scene(system, "drill")
    try:
        await scene.open(**described)
        yield scene
    finally:
        await scene.close()


async def refused(system: System) -> bool:
    """Whether the worker has been told that nothing can be kept."""
    return "disk is full" in system.processes.log("worker")


def checkpoint(system: System) -> None:
    """Empty the write-ahead log, so that whatever is written next needs space."""
    connection = sqlite3.connect(system.folder / "relocate.db", timeout=30)
    assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    connection.close()


@contextmanager
def locked(system: System) -> Iterator[None]:
    """Nobody but us may write to the service's database."""
    connection = sqlite3.connect(system.folder / "relocate.db", isolation_level=None, timeout=30)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.close()
