# SPDX-License-Identifier: Apache-2.0
"""A cancel, in every phase. Each phase is made long by something that happens in the field, so that it is surely hit."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from relocate.demo.system import System
from relocate.model.relocation import Outcome, Phase, View
from tests.drills.scene import LONG_SECONDS, A, B, Move, Scene, hanging, held_before, step

Stage = Callable[..., Awaitable[Scene]]

LONG: dict[Phase, dict[str, Any]] = {
    Phase.DEPLOY: {"start_seconds": LONG_SECONDS},
    Phase.READY: {"arguments": ["--never-ready"]},
    Phase.TRANSFER: {
        "transfer": {"pre_copy": f"/work?ms={LONG_SECONDS:.0f}000", "final_sync": "/whoami", "resume": "/whoami"}
    },
    Phase.SWITCH: {"steps": [50, 100], "hold_seconds": LONG_SECONDS},
    Phase.BAKE: {"bake_seconds": LONG_SECONDS},
    Phase.DRAIN: {"drain": {"window_seconds": 4, "deadline_seconds": 600, "at_deadline": "hold"}},
}
"""What makes a phase last: a slow start, an instance that warms up for ever, a long copy, a long policy."""


async def cancelled(move: Move) -> View:
    """Cancel, and wait for the end."""
    answer = await move.command("cancel")
    assert answer.status_code == 202
    return await move.ends()


async def undone(scene: Scene, move: Move, view: View) -> None:
    """It is as if nothing had been, and no user noticed."""
    assert view.outcome is Outcome.CANCELLED
    assert "drill" in view.sentence
    assert not view.point_of_no_return
    await scene.serves_from(A, not_from=B)
    scene.recorded_whole(move)
    (await scene.losses()).none()


@pytest.mark.parametrize("phase", LONG)
async def test_a_cancel_undoes_everything(stage: Stage, phase: Phase) -> None:
    """Cancelled in the middle of this phase: users are on A, nothing is left on B, nothing was lost."""
    scene = await stage()
    await scene.describe(**LONG[phase])
    move = await scene.move()
    await move.reaches(phase)
    await scene.calm(0.3)
    assert (await move.view()).phase is phase
    view = await cancelled(move)
    assert step(view, phase).state in {"undone", "failed"}
    await undone(scene, move, view)


async def test_a_cancel_while_the_target_is_chosen_ends_it(stage: Stage, system: System) -> None:
    """A candidate's cluster does not answer, so `select` takes its time."""
    scene = await stage()
    await scene.calm(1.0)  # this drill is so quick that too few requests would speak for it
    with hanging(agent(system, B)):
        move = await scene.move()
        await move.reaches(Phase.SELECT)
        assert (await move.command("cancel")).status_code == 202
        assert (await move.view()).phase is Phase.SELECT
    await undone(scene, move, await move.ends())


async def test_a_cancel_while_the_gateways_learn_b_makes_them_forget_it(stage: Stage, system: System) -> None:
    """The control plane hangs, so `prepare` waits for acknowledgements; then it recovers."""
    scene = await stage()
    async with held_before(scene, Phase.PREPARE) as move:
        with hanging(system.processes.named("gateway-control").process.pid):
            await move.command("proceed")
            await move.reaches(Phase.PREPARE)
            await scene.calm(0.3)
            assert (await move.command("cancel")).status_code == 202
            assert (await move.view()).phase is Phase.PREPARE
        await undone(scene, move, await move.ends())


async def test_a_cancel_while_it_is_held_before_the_switch_undoes_everything(stage: Stage) -> None:
    """`hold` stops going forward, never going back."""
    scene = await stage()
    async with held_before(scene, Phase.SWITCH) as move:
        await undone(scene, move, await cancelled(move))


async def test_a_cancel_in_teardown_before_the_point_of_no_return_brings_users_back(
    stage: Stage, system: System
) -> None:
    """The control plane hangs while the gateways are to forget A; then it recovers."""
    scene = await stage()
    async with held_before(scene, Phase.TEARDOWN) as move:
        with hanging(system.processes.named("gateway-control").process.pid):
            await move.command("proceed")
            await move.reaches(Phase.TEARDOWN)
            await scene.calm(0.3)
            assert (await move.command("cancel")).status_code == 202
            assert not (await move.view()).point_of_no_return
        await undone(scene, move, await move.ends())


async def test_a_cancel_after_the_point_of_no_return_is_too_late(stage: Stage, system: System) -> None:
    """A's cluster hangs while A is removed: the cancel is kept on record, and the relocation completes."""
    scene = await stage()
    async with held_before(scene, Phase.TEARDOWN) as move:
        with hanging(agent(system, A)):
            await move.command("proceed")
            await move.until(lambda view: view.point_of_no_return, "past the point of no return")
            assert (await move.command("cancel")).status_code == 202
            await scene.calm(0.5)
        view = await move.ends()
    assert view.outcome is Outcome.COMPLETED
    notes = [entry.claim.sentence for entry in scene.evidence(move) if entry.claim.rung == "note"]
    assert any("too late" in note for note in notes), notes
    await scene.serves_from(B, not_from=A)
    scene.recorded_whole(move)
    (await scene.losses()).none()


def agent(system: System, cluster: str) -> int:
    """Process id of a cluster's agent."""
    return system.processes.named(cluster).process.pid
