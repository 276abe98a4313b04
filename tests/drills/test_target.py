# SPDX-License-Identifier: Apache-2.0
"""When the target fails."""

from collections.abc import Awaitable, Callable

from relocate.model.relocation import Outcome, Phase
from tests.drills.scene import LONG_SECONDS, A, B, Scene, step

Stage = Callable[..., Awaitable[Scene]]


async def test_when_b_never_becomes_ready_users_stay_on_a_and_b_is_removed(stage: Stage) -> None:
    """The gate ends at its deadline; nothing was lost, as B never had weight."""
    scene = await stage()
    await scene.describe(arguments=["--never-ready"], ready_deadline=1.5)
    move = await scene.move()
    view = await move.ends()
    assert view.outcome is Outcome.ROLLED_BACK
    assert "mec-b: not ready" in view.sentence
    assert step(view, Phase.SWITCH).state == "skipped"
    await scene.serves_from(A, not_from=B)
    scene.recorded_whole(move)
    (await scene.losses()).none()


async def test_when_b_dies_in_the_middle_of_the_switch_users_go_back_to_a(stage: Stage) -> None:
    """The gateways fall back at once, the service goes back; only messages in flight on streams of B are lost."""
    scene = await stage(steps=[50, 100], hold_seconds=LONG_SECONDS)
    move = await scene.move()
    await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    await scene.calm(1)
    await scene.kill(B)
    view = await move.ends()
    assert view.outcome is Outcome.ROLLED_BACK
    assert "mec-b" in view.sentence
    await scene.serves_from(A, not_from=B)
    scene.recorded_whole(move)
    (await scene.losses()).bounded(most=8)
