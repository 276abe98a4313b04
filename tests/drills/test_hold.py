# SPDX-License-Identifier: Apache-2.0
"""When an operator holds a relocation and lets it go on."""

from collections.abc import Awaitable, Callable

from relocate.model.relocation import Phase, Status
from tests.drills.move import step
from tests.drills.scene import A, B, Scene

Stage = Callable[..., Awaitable[Scene]]

MINUTE = 60


async def test_when_it_is_held_half_way_for_a_minute_nothing_moves_until_it_may_go_on(stage: Stage) -> None:
    """Both sides serve their half all the while and nothing is lost; then it completes, without a hole in the record."""
    scene = await stage(steps=[50, 100], hold_seconds=1)
    move = await scene.move()
    await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    assert (await move.command("hold")).status_code == 200
    for _ in range(MINUTE):
        await scene.calm(1)
        view = await move.view()
        assert (view.status, view.weights) == (Status.HELD, {A: 50, B: 50})
        assert step(view, Phase.SWITCH).state == "running"
    assert (await scene.document()).weights == {A: 50, B: 50}
    assert (await move.command("proceed")).status_code == 200
    await scene.completed(move)
    assert scene.unwatched(move) == []
    (await scene.losses()).none()
