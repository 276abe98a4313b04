# SPDX-License-Identifier: Apache-2.0
"""What A is still needed for when everything new goes to B, and its removal."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from relocate.demo.site import INSTANCES
from relocate.demo.system import System
from relocate.model.relocation import Phase, Status
from tests.drills.absence import hanging
from tests.drills.scene import A, B, Scene, held_before

Stage = Callable[..., Awaitable[Scene]]

SLOW_SECONDS = 5


async def test_when_a_slow_request_is_in_flight_on_a_it_is_answered_there(stage: Stage) -> None:
    """It began before the switch and must not be sent twice: A is kept until it has its answer, and goes then."""
    scene = await stage()
    async with held_before(scene, Phase.SWITCH) as move:
        slow = [asyncio.create_task(scene.works(SLOW_SECONDS, through)) for through in INSTANCES]
        await scene.calm()
        assert (await move.command("proceed")).status_code == 200
        await move.reaches(Phase.DRAIN)
        assert await scene.answers() == {B}
        assert not any(one.done() for one in slow)
        assert set(await asyncio.gather(*slow)) == {A}
    await scene.completed(move)
    (await scene.losses()).none()


async def test_a_user_keeps_the_connection_it_has_and_gets_its_answers_from_b(stage: Stage) -> None:
    """What is steered are requests: a connection that was opened when A served leads to B, and outlives A."""
    scene = await stage()
    async with scene.user(INSTANCES[0]) as user:
        before, address = await asked(user)
        await scene.completed(await scene.move())
        assert (before, await asked(user)) == (A, (B, address))
    (await scene.losses()).none()


async def test_when_a_ends_at_once_nobody_notices_as_nobody_uses_it(stage: Stage) -> None:
    """An application without any grace: it is told to end when every gateway has forgotten it, and not before."""
    scene = await stage(arguments=["--grace", "0"])
    await scene.completed(await scene.move())
    (await scene.losses()).none()


async def test_when_a_s_cluster_cannot_be_reached_users_are_on_b_and_a_goes_once_it_can(
    stage: Stage, system: System
) -> None:
    """The relocation stays open past its point of no return and says what is left; nothing is called done that is not."""
    scene = await stage()
    async with held_before(scene, Phase.TEARDOWN) as move:
        with hanging(system.processes.named(A).process.pid):
            assert (await move.command("proceed")).status_code == 200
            await move.until(lambda view: view.point_of_no_return, "past the point of no return")
            await scene.calm(6)
            view = await move.view()
            assert (view.status, view.phase) == (Status.RUNNING, Phase.TEARDOWN)
            assert view.sentence.startswith(f"Removing {A}")
            assert await scene.answers() == {B}
    await scene.completed(move)
    (await scene.losses()).none()


async def asked(user: httpx.AsyncClient) -> tuple[str, tuple[str, int]]:
    """Which cluster answers a user, and from which address of its own it asked."""
    answer = (await user.get("/whoami")).raise_for_status()
    return answer.json()["cluster"], answer.extensions["network_stream"].get_extra_info("client_addr")
