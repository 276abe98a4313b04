# SPDX-License-Identifier: Apache-2.0
"""When somebody else changes the weights in the middle of a relocation."""

from collections.abc import Awaitable, Callable

from tests.drills.move import Move
from tests.drills.scene import A, B, Scene

Stage = Callable[..., Awaitable[Scene]]


async def test_when_somebody_else_changes_the_weights_midway_an_operator_may_go_back(stage: Stage) -> None:
    """Their change is told, and stands until a person has seen it; `retry` replaces it, and users are on A."""
    scene = await stage(steps=[50, 100], hold_seconds=1.5)
    move = await changed_midway(scene)
    await move.decide("retry")
    await scene.went_back(move)
    (await scene.losses()).none()


async def test_when_somebody_else_changes_the_weights_midway_an_operator_may_settle_on_the_target(stage: Stage) -> None:
    """`settle mec-b` replaces their change, as B is proven healthy; users are on B, and A is gone."""
    scene = await stage(steps=[50, 100], hold_seconds=1.5)
    move = await changed_midway(scene)
    await move.decide("settle", cluster=B)
    await scene.completed(move)
    (await scene.losses()).none()


async def changed_midway(scene: Scene) -> Move:
    """A relocation that asks an operator about somebody else's weights, which it has left alone."""
    move = await scene.move()
    await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    theirs = await scene.overwrite({A: 80, B: 20})
    view = await move.asks()
    assert "was changed by somebody else: it is at epoch somebody-else with mec-a 80 %, mec-b 20 %" in view.sentence
    assert "retry" in view.next_step
    assert "settle" in view.next_step
    assert await scene.document() == theirs
    for cluster in (A, B):
        assert [one.state for one in await scene.system.instances(cluster, scene.name)] == ["running"]
    return move
