# SPDX-License-Identifier: Apache-2.0
"""Stories of users who will not leave A."""

import pytest

from relocate.cli.text import details
from relocate.model.relocation import Outcome, Phase, Status
from steering.model import Rung
from tests.workflow.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
both_caches = pytest.mark.parametrize("world", ["cached", "forgetful"], indirect=True)


def _drain(at_deadline: str, seconds: float = 0.3) -> dict[str, object]:
    return {"drain": {"window_seconds": 0, "deadline_seconds": seconds, "at_deadline": at_deadline}}


@both_caches
async def test_at_the_deadline_it_holds_until_somebody_allows_the_cut(world: World) -> None:
    """Two streams stay on A: the run waits, A keeps serving them, and `proceed` cuts and counts them."""
    for instance in ("edge-1", "edge-2"):
        world.gateway.open_stream(instance, world.app)
    run = await world.relocate(target=world.b, options=_drain("hold"))
    view = await run.asks(Status.HELD)
    assert "2 requests and streams are still open" in view.sentence
    assert (view.left_on_source, view.next_step) == (2, f"proceed cuts what is left on {world.a}; cancel goes back")
    assert world.instances() == {world.a: 1, world.b: 1}
    await run.command("proceed")
    view = await run.ended()
    assert (view.outcome, view.cut) == (Outcome.COMPLETED, 2)
    assert "operator allowed the cut" in run.notes
    await world.assert_serves_only_from(world.b)


async def test_at_the_deadline_force_cuts_and_counts(world: World) -> None:
    """`force` was said in the request: what is left is cut, counted, and on record."""
    world.gateway.open_stream("edge-1", world.app)
    run = await world.relocate(target=world.b, options=_drain("force"))
    view = await run.ended()
    assert (view.outcome, view.cut) == (Outcome.COMPLETED, 1)
    drains = [claim for claim in run.claims if claim.rung is Rung.DRAINED and claim.phase is Phase.DRAIN]
    assert [claim.detail["left"] for claim in drains] == [1]
    assert [claim.detail["cut"] for claim in run.claims if "cut" in claim.detail] == [1]
    assert "the policy waives it (force)" in run.notes


async def test_waiting_goes_on_until_the_last_stream_has_ended(world: World) -> None:
    """`wait` knows no deadline: A is removed when nobody uses it, and nothing was cut."""
    stream = world.gateway.open_stream("edge-1", world.app)
    run = await world.relocate(target=world.b, options=_drain("wait", seconds=0))
    await run.until(lambda view: view.phase is Phase.DRAIN)
    await run.told_left(1)
    assert world.instances() == {world.a: 1, world.b: 1}
    world.gateway.close_stream("edge-1", world.app, stream.side)
    view = await run.ended()
    assert (view.outcome, view.cut, view.left_on_source) == (Outcome.COMPLETED, 0, 0)


async def test_who_leads_users_back_to_the_side_that_is_drained_is_named(world: World) -> None:
    """Nobody waits for users to leave where somebody else's weights send them: the move goes back, and an operator is shown."""
    world.gateway.open_stream("edge-1", world.app)
    run = await world.relocate(target=world.b, options=_drain("wait", seconds=0))
    await run.told_left(1)
    theirs = await world.write_as_somebody_else({world.a: 100, world.b: 0})
    view = await run.asks()
    assert f"{world.a} 100 %, {world.b} 0 %" in view.sentence
    assert "Went back because route" in run.notes
    assert (await world.document()) == theirs
    assert world.instances() == {world.a: 1, world.b: 1}
    assert (await run.command("retry")).accepted
    assert (await run.ended()).outcome is Outcome.ROLLED_BACK
    await world.assert_serves_only_from(world.a)


async def test_what_cannot_be_counted_is_not_zero(world: World) -> None:
    """One instance's counters cannot be read: the drain holds at its deadline, and says so."""
    world.gateway.uncounted.add("edge-2")
    run = await world.relocate(target=world.b, options=_drain("hold"))
    view = await run.asks(Status.HELD)
    assert "unknown is not zero" in view.sentence
    assert view.left_on_source is None


async def test_what_could_not_be_counted_is_cut_as_unknown(world: World) -> None:
    """`force` cuts what nobody could count: the record, the view and the report say that, and not zero."""
    world.gateway.open_stream("edge-1", world.app)
    world.gateway.uncounted.add("edge-2")
    run = await world.relocate(target=world.b, options=_drain("force"))
    view = await run.ended()
    assert (view.outcome, view.cut) == (Outcome.COMPLETED, None)
    assert [claim.detail["cut"] for claim in run.claims if "cut" in claim.detail] == [None]
    assert "Cut: an unknown number of requests and streams" in list(details(view))
