# SPDX-License-Identifier: Apache-2.0
"""The service on a PostgreSQL, which is killed, hangs, and comes back."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import docker
import httpx
import pytest
import pytest_asyncio
from docker.models.containers import Container

from relocate.demo.processes import free_ports
from relocate.demo.system import System, new_system
from relocate.model.relocation import Outcome, Phase
from tests.containers.fixtures import Containers
from tests.containers.postgresql import start
from tests.drills.move import Move
from tests.drills.scene import A, B, Scene
from tests.drills.waiting import eventually
from tests.systems import running

MODULE = {"scope": "module", "loop_scope": "session"}
"""Two systems at once are one too many for most machines."""

AWAY_SECONDS = 5
HANGS_SECONDS = 12
"""Longer than anybody waits for an answer."""
TIMEOUT_SECONDS = 3
BUSY_SECONDS = 90
"""Longest time until everything has ended after it."""


@pytest_asyncio.fixture(**MODULE)
async def server(containers: Containers) -> AsyncIterator[tuple[str, Container]]:
    """A server of these drills' own, which keeps what it has said it keeps; its URL, and what it runs in."""
    (port,) = free_ports(1)
    started = await asyncio.to_thread(start, containers, port=port)
    with closing(docker.from_env()) as client:
        container = client.containers.get(started.container)
        yield started.url, container
        container.remove(force=True, v=True)


@pytest_asyncio.fixture(**MODULE)
async def on_postgresql(
    server: tuple[str, Container], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """The whole service on it."""
    system = new_system(tmp_path_factory.mktemp("system"))
    system.database = server[0]
    os.environ["RELOCATE_DATABASE_TIMEOUT_SECONDS"] = str(TIMEOUT_SECONDS)
    try:
        async with running(system):
            yield system
    finally:
        del os.environ["RELOCATE_DATABASE_TIMEOUT_SECONDS"]


@asynccontextmanager
async def scene_on(system: System, name: str) -> AsyncIterator[Scene]:
    """An application of the drill's own, which is switched in two steps."""
    system.processes.check()
    scene = Scene(system, name)
    try:
        await scene.open(steps=[50, 100], hold_seconds=2)
        yield scene
    finally:
        await scene.close()


async def test_an_application_is_relocated_under_traffic(on_postgresql: System) -> None:
    """As on SQLite: completed, the record whole, nothing lost."""
    async with scene_on(on_postgresql, "pg-moves") as scene:
        move = await scene.move()
        await scene.completed(move, BUSY_SECONDS)
        scene.recorded_whole(move)
        await scene.serves_from(B, not_from=A)
        (await scene.losses()).none()


async def test_when_the_server_is_killed_half_way_the_relocation_goes_on_with_what_it_kept(
    on_postgresql: System, server: tuple[str, Container]
) -> None:
    """SIGKILL half way through the switch, and back some seconds later: it ends well, and nothing is lost."""
    async with scene_on(on_postgresql, "pg-killed") as scene:
        move = await scene.move()
        await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
        await asyncio.to_thread(server[1].kill)
        await scene.calm(AWAY_SECONDS)
        await asyncio.to_thread(server[1].start)
        await _ends_well(scene, move)


@pytest.mark.parametrize("phase", [Phase.DEPLOY, Phase.SWITCH, Phase.TEARDOWN])
async def test_when_the_server_hangs_nobody_hangs_with_it(
    on_postgresql: System, server: tuple[str, Container], phase: Phase
) -> None:
    """Frozen with every connection open, for longer than anybody waits; when it goes on, so does the relocation."""
    async with scene_on(on_postgresql, f"pg-hangs-{phase}") as scene:
        move = await scene.move()
        await move.reaches(phase)
        await asyncio.to_thread(server[1].pause)
        try:
            await scene.calm(HANGS_SECONDS)
        finally:
            await asyncio.to_thread(server[1].unpause)
        await _ends_well(scene, move)


async def _ends_well(scene: Scene, move: Move) -> None:
    """It is on one side or on the other, whole; nothing was lost."""
    await eventually(lambda: _is_served(move), "answered", BUSY_SECONDS)
    view = await move.ends(BUSY_SECONDS)
    assert view.outcome in (Outcome.COMPLETED, Outcome.ROLLED_BACK), view.sentence
    here, not_there = (B, A) if view.outcome is Outcome.COMPLETED else (A, B)
    await scene.serves_from(here, not_from=not_there)
    scene.recorded_whole(move)
    (await scene.losses()).none()


async def _is_served(move: Move) -> bool:
    """Whether the API can be asked again."""
    try:
        await move.view()
    except httpx.HTTPStatusError as refused:
        if refused.response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            raise
        return False
    return True
