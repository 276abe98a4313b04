# SPDX-License-Identifier: Apache-2.0
"""When a gateway instance refuses what it is told, is down, or dies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest_asyncio

from relocate.demo import site
from relocate.demo.system import System
from relocate.model.evidence import Claim
from relocate.model.relocation import Outcome, Phase
from steering.model import Acknowledgement, Rung
from tests.drills.absence import gateway_killed, start_gateway
from tests.drills.move import Move, step
from tests.drills.scene import LONG_SECONDS, A, B, Scene

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
    view = await scene.went_back(move)
    assert f"gateway instance {lesser} rejected the configuration" in view.sentence
    assert step(view, Phase.READY).state in {"done", "undone"}
    assert step(view, Phase.SWITCH).state == "undone"
    (await scene.losses()).none()


async def test_when_a_gateway_instance_is_down_before_the_switch_it_is_left_out(stage: Stage, system: System) -> None:
    """edge-2 is dead, by evidence; users go through edge-1 alone, where nothing is lost; back again it serves B."""
    async with gateway_killed(system, "edge-2"):
        scene = await stage(through=["edge-1"])
        move = await scene.move()
        view = await move.ends()
        assert view.outcome is Outcome.COMPLETED, view.sentence
        assert proving(scene, move) == {"edge-1"}
        assert all("refused 3 connections in a row" in why for why in left_out(scene, move, "edge-2"))
    await scene.serves_from(B, not_from=A)
    scene.recorded_whole(move)
    (await scene.losses()).none()


async def test_when_a_gateway_instance_dies_in_the_middle_of_the_switch_users_of_the_others_lose_nothing(
    stage: Stage, system: System
) -> None:
    """Who used edge-2 is seen to fail, so the relocation goes back; edge-1 alone proves it; edge-2 then serves A."""
    scene = await stage(steps=[50, 100], hold_seconds=LONG_SECONDS)
    move = await scene.move()
    await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    async with gateway_killed(system, "edge-2"):
        view = await move.ends()
        assert view.outcome is Outcome.ROLLED_BACK
        assert await scene.answers("edge-1") == {A}
        losses = await scene.losses()
    await scene.serves_from(A, not_from=B)
    scene.recorded_whole(move)
    losses.through("edge-1").none()
    assert losses.all.wrong == 0


async def test_when_a_gateway_instance_comes_back_during_the_switch_it_never_answers_by_an_older_write(
    stage: Stage, system: System
) -> None:
    """edge-2 starts with nothing and serves nobody until it has been told what is written now; then it must prove it."""
    scene = await stage(steps=[50, 100], hold_seconds=LONG_SECONDS)
    move = await scene.move()
    await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    known = sequence((await scene.document()).epoch)
    await scene.calm(1.2)  # failures of the second that the step cuts count for neither side
    async with gateway_killed(system, "edge-2"):
        await start_gateway(system, "edge-2")
        assert (await move.view()).phase is Phase.SWITCH
        ended = asyncio.Event()
        watching = asyncio.create_task(epochs(scene, "edge-2", ended))
        await scene.went_back(move)
        ended.set()
        seen = await watching
    assert "edge-2" in proving(scene, move, after=known)
    assert len(seen) > 10
    assert seen[0] >= known
    assert seen == sorted(seen)
    losses = await scene.losses()
    losses.through("edge-1").none()
    assert losses.all.wrong == 0


def proving(scene: Scene, move: Move, after: int = 0) -> set[str]:
    """Gateway instances whose word or answers proved something, after the write of this number."""
    claims = [entry.claim for entry in scene.evidence(move)]
    written = [number for number, one in enumerate(claims) if one.rung == Rung.WRITTEN and write_number(one) > after]
    proofs = [one for one in claims[written[0] :] if one.holds and one.rung in (Rung.ACKNOWLEDGED, Rung.PROBED)]
    return {one.instance for one in proofs if one.instance}


def left_out(scene: Scene, move: Move, instance: str) -> Sequence[str]:
    """Why an instance was left out, once for each write: by every one, or it was not left out."""
    looks = [entry.claim.detail for entry in scene.evidence(move) if "answers" in entry.claim.detail]
    answers = [one for look in looks if look["rule"] == "live" for one in look["answers"]]
    told = [one for one in answers if one["instance"] == instance]
    assert told
    assert {one["state"] for one in told} == {Acknowledgement.DEAD}
    return [one["reason"] for one in told]


def write_number(claim: Claim) -> int:
    """The sequence number under which a document was written."""
    return int(claim.detail["fence"]["sequence"])


def sequence(epoch: str) -> int:
    """The number of the write that an epoch names; it rises with every step and every undo."""
    return int(epoch.rpartition(".")[2])


async def epochs(scene: Scene, instance: str, ended: asyncio.Event) -> list[int]:
    """Numbers of the writes by which one gateway instance answers, on fresh connections, until it has ended."""
    seen: list[int] = []
    while not ended.is_set():
        seen.append(sequence(await scene.epoch(instance)))
    return seen
