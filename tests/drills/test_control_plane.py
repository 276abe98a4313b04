# SPDX-License-Identifier: Apache-2.0
"""When the gateways' control plane is killed, or comes up without its database: Envoys go on with what they have."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import httpx
import pytest

from relocate.demo import site
from relocate.demo.system import System
from relocate.model.relocation import Phase, Status
from relocate.store.migrate import prepare
from tests.drills.absence import control_killed, start_control
from tests.drills.move import step
from tests.drills.scene import A, B, Scene, held_before
from tests.drills.waiting import eventually

Stage = Callable[..., Awaitable[Scene]]

FOUND: Mapping[str, Callable[[Path], object]] = {
    "no database": lambda file: file.write_bytes(b"not a database, though it has some length\n" * 100),
    "no row": lambda file: prepare(f"sqlite:///{file}"),
}
"""What a control plane may find where its database should be."""


async def test_when_the_control_plane_is_killed_before_the_switch_nobody_is_switched_until_it_is_back(
    stage: Stage, system: System
) -> None:
    """What is written meanwhile goes live with the next control plane, and then the relocation completes."""
    scene = await stage()
    async with held_before(scene, Phase.SWITCH) as move:
        async with control_killed(system):
            await move.command("proceed")
            await until_written(scene, {A: 0, B: 100})
            await scene.calm(1)
            assert await scene.answers() == {A}
            view = await move.view()
            assert (view.status, view.phase, view.weights) == (Status.RUNNING, Phase.SWITCH, {A: 100, B: 0})
        await scene.completed(move)
    (await scene.losses()).none()


async def test_when_the_control_plane_is_killed_during_the_switch_the_next_one_brings_it_to_its_end(
    stage: Stage, system: System
) -> None:
    """Half way, the Envoys share as they were told last; the rest of the switch follows when there is somebody to say it."""
    scene = await stage(steps=[50, 100], hold_seconds=1)
    move = await scene.move()
    await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    async with control_killed(system):
        await until_written(scene, {A: 0, B: 100})
        await scene.calm(1)
        assert (await move.view()).weights == {A: 50, B: 50}
    await scene.completed(move)
    (await scene.losses()).none()


@pytest.mark.parametrize("found", FOUND)
async def test_when_the_control_plane_starts_without_its_database_no_running_gateway_is_emptied(
    stage: Stage, system: System, tmp_path: Path, found: str
) -> None:
    """The Envoys connect to it, and keep what they have: users of a placed application notice nothing."""
    scene = await stage()
    FOUND[found](tmp_path / "other.db")
    async with control_killed(system):
        await start_control(system, {"RELOCATE_DATABASE_URL": f"sqlite:///{tmp_path / 'other.db'}"})
        await until_connected(system)
        await scene.calm(2.5)
        assert await scene.answers() == {A}
    await until_connected(system)
    await scene.serves_from(A, not_from=B)
    (await scene.losses()).none()


async def test_when_a_relocation_meets_a_control_plane_without_its_database_it_is_taken_back_in_words(
    stage: Stage, system: System, tmp_path: Path
) -> None:
    """What was written never went live: that is said, users stay on A, and with the database back all is well."""
    scene = await stage()
    async with control_killed(system):
        await start_control(system, {"RELOCATE_DATABASE_URL": f"sqlite:///{tmp_path / 'other.db'}"})
        move = await scene.move()
        view = await move.until(lambda view: view.status is Status.UNDOING, "on its way back", seconds=45)
        assert await scene.answers() == {A}
    for instance in site.INSTANCES:
        assert f"gateway instance {instance} answers users, but its control connection is gone" in view.sentence
    view = await scene.went_back(move)
    assert step(view, Phase.SWITCH).state == "skipped"
    again = await scene.move(target=B)
    await scene.completed(again)
    (await scene.losses()).none()


async def until_written(scene: Scene, weights: Mapping[str, int]) -> None:
    """Wait until the route's document says so, whoever has it."""

    async def written() -> bool:
        return (await scene.document()).weights == weights

    await eventually(written, f"written: {weights}")


async def until_connected(system: System) -> None:
    """Wait until every Envoy says that it has a control connection."""

    async def connected() -> bool:
        said = [
            await client.get(f"http://127.0.0.1:{port}/stats", params=asked) for port in system.ports.admins.values()
        ]
        return {one.text.strip() for one in said} == {"control_plane.connected_state: 1"}

    asked = {"filter": "control_plane.connected_state"}
    async with httpx.AsyncClient(trust_env=False) as client:
        await eventually(connected, "connected")
