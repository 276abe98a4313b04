# SPDX-License-Identifier: Apache-2.0
"""When what the service stands on goes away for a while: the API, Temporal, the database, the disk."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from relocate.demo.system import System
from relocate.model.relocation import Phase
from tests.drills.absence import hanging
from tests.drills.disk import SmallDisk
from tests.drills.scene import A, B, Scene
from tests.drills.waiting import eventually
from tests.line import Line

Stage = Callable[..., Awaitable[Scene]]

AWAY_SECONDS = 30
FULL_SECONDS = 5
BUSY_SECONDS = 60
"""Longest time until everything goes on after it."""


@pytest.mark.parametrize("heard", [False, True], ids=["before Temporal heard of it", "before Temporal's answer came"])
async def test_when_the_api_dies_between_accepting_and_starting_the_sweeper_starts_it_once(
    stage: Stage, system: System, heard: bool
) -> None:
    """SIGKILL when the row is there and nothing more: the caller hears nothing, and the next API starts what was kept.

    The worker stands still meanwhile: what it puts on record would say that the relocation runs.
    """
    scene = await stage()
    with hanging(system.processes.named("worker").process.pid):
        async with api_behind_a_line(system, scene, heard=heard) as line:
            asked = asyncio.create_task(scene.move())
            await eventually(line.holds, "held back")
            await system.processes.kill("api")
            (pending,) = scene.not_started()
            assert await known(system, pending.id) is heard
        with pytest.raises(httpx.HTTPError):
            await asked
        await eventually(partial(nothing_waits, scene), "started by the sweeper")
    move = scene.follow(pending.id)
    await scene.completed(move, BUSY_SECONDS)
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
    await scene.completed(move, BUSY_SECONDS)
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
    await scene.completed(move, BUSY_SECONDS)
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
        await scene.completed(move, BUSY_SECONDS)
        (await scene.losses()).none()


@asynccontextmanager
async def api_behind_a_line(system: System, scene: Scene, *, heard: bool) -> AsyncIterator[Line]:
    """The API reaches Temporal over a line, which falls silent the moment a relocation is kept.

    Temporal hears nothing of its start, or the API hears no answer. When the block ends, another API runs without the line.
    """

    async def nothing_known() -> bool:
        return not any([await known(system, kept.id) for kept in scene.not_started()])

    await system.processes.stop("api")
    passing = {"answers_while": nothing_known} if heard else {"asks_while": partial(nothing_waits, scene)}
    line = Line(system.ports.temporal, **passing)
    await line.start()
    try:
        await system.start_api(temporal=line.port)
        await system.api_ready()
        yield line
    finally:
        await line.close()
        await system.start_api()
        await system.api_ready()


async def nothing_waits(scene: Scene) -> bool:
    """Whether everything that was kept, if anything was, is known to run."""
    return not scene.not_started()


async def known(system: System, identity: str) -> bool:
    """Whether Temporal has it."""
    client = await Client.connect(f"127.0.0.1:{system.ports.temporal}")
    try:
        await client.get_workflow_handle(identity).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


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
