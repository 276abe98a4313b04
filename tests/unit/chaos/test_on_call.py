# SPDX-License-Identifier: Apache-2.0
"""The operator on call reads what is asked and answers sensibly."""

from datetime import UTC, datetime

from relocate.model.relocation import RelocationRequest, Status, View
from tests.chaos.on_call import GIVE_UP_AFTER, Answer, OnCall


def view(status: Status, next_step: str, **weights: int) -> View:
    """A relocation from mec-a to mec-b that asks for somebody."""
    return View(
        id="r",
        application="shop",
        status=status,
        request=RelocationRequest(application="shop"),
        source="mec-a",
        target="mec-b",
        steps=(),
        weights={name.replace("_", "-"): weight for name, weight in weights.items()},
        next_step=next_step,
        created_at=datetime.now(UTC),
    )


def test_a_drain_that_does_not_end_is_cancelled_rather_than_cut() -> None:
    """Nobody has to be cut off: it can go back."""
    asked = view(Status.HELD, "proceed cuts what is left on mec-a; cancel goes back")
    assert OnCall().answer(asked) == Answer("cancel")


def test_too_few_samples_are_judged_again_before_it_is_cancelled() -> None:
    """Once; then it goes back."""
    on_call = OnCall()
    asked = view(Status.HELD, "proceed judges again; cancel goes back")
    assert [on_call.answer(asked).command for _ in range(2)] == ["proceed", "cancel"]


def test_a_way_back_that_failed_is_tried_again_then_settled_where_the_traffic_is_then_on_the_other_side() -> None:
    """And at last it is left as it is, so that a run ends."""
    on_call = OnCall()
    asked = view(Status.NEEDS_OPERATOR, "retry goes back again; settle on one of the two clusters", mec_a=0, mec_b=100)
    given = [on_call.answer(asked) for _ in range(GIVE_UP_AFTER + 1)]
    assert given[:4] == [Answer("retry"), Answer("retry"), Answer("settle", "mec-b"), Answer("settle", "mec-a")]
    assert given[-1] == Answer("abandon")


def test_a_removal_that_failed_is_finished() -> None:
    """There is only forward after the point of no return."""
    asked = view(Status.NEEDS_OPERATOR, "finish-cleanup tries again; abandon leaves the instance where it is")
    assert OnCall().answer(asked) == Answer("finish-cleanup")
