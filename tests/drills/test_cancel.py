# SPDX-License-Identifier: Apache-2.0
"""A cancel, in every phase."""

from collections.abc import Awaitable, Callable

import pytest

from relocate.model.relocation import Outcome, Phase, View
from tests.drills.moments import MOMENTS, Moment
from tests.drills.move import Move, step
from tests.drills.scene import LONG_SECONDS, A, B, Scene, held_before

Stage = Callable[..., Awaitable[Scene]]

IN_TIME = [moment for moment in MOMENTS if not moment.past_return]
TOO_LATE = [moment for moment in MOMENTS if moment.past_return]


@pytest.mark.parametrize("moment", IN_TIME, ids=lambda moment: moment.name)
async def test_a_cancel_undoes_everything(stage: Stage, moment: Moment) -> None:
    """Cancelled in the middle of this phase: users are on A, nothing is left on B, nothing was lost."""
    scene = await stage()
    async with moment.of(scene, seconds=LONG_SECONDS) as move:
        answer = await move.command("cancel")
        assert answer.status_code == 202
        assert (await move.view()).phase is moment.phase
    view = await undone(scene, move)
    assert step(view, moment.phase).state in {"undone", "failed"}


async def test_a_cancel_while_it_is_held_before_the_switch_undoes_everything(stage: Stage) -> None:
    """`hold` stops going forward, never going back."""
    scene = await stage()
    async with held_before(scene, Phase.SWITCH) as move:
        assert (await move.command("cancel")).status_code == 202
        await undone(scene, move)


@pytest.mark.parametrize("moment", TOO_LATE, ids=lambda moment: moment.name)
async def test_a_cancel_after_the_point_of_no_return_is_too_late(stage: Stage, moment: Moment) -> None:
    """The cancel is kept on record, and the relocation completes."""
    scene = await stage()
    async with moment.of(scene, seconds=LONG_SECONDS) as move:
        assert (await move.command("cancel")).status_code == 202
        await scene.calm(0.5)
    await scene.completed(move)
    notes = [entry.claim.sentence for entry in scene.evidence(move) if entry.claim.rung == "note"]
    assert any("too late" in note for note in notes), notes
    (await scene.losses()).none()


async def test_a_cancel_where_nothing_is_in_progress_is_refused_and_changes_nothing(stage: Stage) -> None:
    """The relocation has ended: who cancels it is told so, and users stay where they are."""
    scene = await stage()
    move = await scene.move()
    ended = await move.ends()
    answer = await move.command("cancel")
    assert answer.status_code == 409
    assert answer.json()["detail"] == f"{move.id} has ended: completed"
    await scene.calm()
    assert await move.view() == ended
    await scene.serves_from(B, not_from=A)
    scene.recorded_whole(move)
    (await scene.losses()).none()


async def undone(scene: Scene, move: Move) -> View:
    """Wait for its end: it is as if nothing had been, and no user noticed."""
    view = await scene.went_back(move, Outcome.CANCELLED)
    assert "drill" in view.sentence
    assert not view.point_of_no_return
    (await scene.losses()).none()
    return view
