# SPDX-License-Identifier: Apache-2.0
"""Stories in which somebody has to decide, and what they may say when."""

import pytest

from relocate.errors import NotRunning
from relocate.model.relocation import Outcome, Phase, Status, StepState
from tests.workflow.run import Run
from tests.workflow.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
both_caches = pytest.mark.parametrize("world", ["cached", "forgetful"], indirect=True)


async def _no_way_back(world: World) -> Run:
    """B fails users; when everything should go back, A is down."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 20})
    await run.in_phase(Phase.BAKE)
    world.gateway.down.add(world.a)
    world.data_plane.broken[world.b] = 500
    await run.asks()
    world.data_plane.broken.clear()
    return run


async def _no_cleanup(world: World) -> Run:
    """A cannot be removed, since its cluster's settings make no sense any more."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 0.3})
    await run.in_phase(Phase.BAKE)
    world.misconfigure(world.a)
    await run.asks()
    return run


async def test_an_unhealthy_source_gets_no_traffic_back(world: World) -> None:
    """With A down, nothing goes back: both sides are kept, traffic stays, the lease too, and the way out is said."""
    run = await _no_way_back(world)
    view = run.view
    assert f"{world.a} is not proven healthy" in view.sentence
    assert f"{world.b} is healthy and keeps the traffic" in view.sentence
    assert all(word in view.next_step for word in ("retry", "settle", "abandon"))
    assert world.instances() == {world.a: 1, world.b: 1}
    assert (await world.document()).weights == {world.a: 0, world.b: 100}
    assert world.service.database.leases.holder(world.app) == run.id


@both_caches
async def test_settling_on_the_target_removes_the_source(world: World) -> None:
    """An operator may keep B, which is proven healthy; A is removed."""
    run = await _no_way_back(world)
    assert (await run.command("settle", world.b)).accepted
    view = await run.ended()
    assert (view.outcome, f"settled on {world.b}" in view.sentence) == (Outcome.COMPLETED, True)
    world.gateway.down.clear()
    await world.assert_serves_only_from(world.b)


async def test_settling_on_the_source_removes_the_target(world: World) -> None:
    """Once A is healthy again an operator may keep it; B is removed, and the move counts as rolled back."""
    run = await _no_way_back(world)
    world.gateway.down.clear()
    assert (await run.command("settle", world.a)).accepted
    assert (await run.ended()).outcome is Outcome.ROLLED_BACK
    await world.assert_serves_only_from(world.a)


async def test_settling_on_an_unhealthy_side_is_refused(world: World) -> None:
    """Nobody can put users on a side that is not proven healthy; the reason is told, and the question stays."""
    run = await _no_way_back(world)
    await run.command("settle", world.a)
    view = await run.until(lambda view: f"settling on {world.a} was refused" in view.sentence)
    assert view.status is Status.NEEDS_OPERATOR
    assert (await world.document()).weights == {world.a: 0, world.b: 100}
    assert world.instances() == {world.a: 1, world.b: 1}
    assert view.outcome is None


async def test_settling_on_a_stranger_is_refused(world: World) -> None:
    """Only the two sides of the move can be settled on."""
    run = await _no_way_back(world)
    await run.command("settle", world.c)
    view = await run.until(lambda view: f"settling on {world.c} was refused" in view.sentence)
    assert view.status is Status.NEEDS_OPERATOR


async def test_a_settlement_that_fails_is_asked_about_again(world: World) -> None:
    """A gateway that refuses the settlement leaves the run open, with the reason; it never ends without an outcome."""
    run = await _no_way_back(world)
    world.refuse(lambda document: document.weights == {world.b: 100})
    await run.command("settle", world.b)
    await run.until(lambda view: "too many backends" in view.sentence and view.status is Status.NEEDS_OPERATOR)
    world.refuse(lambda _: False)
    await run.command("settle", world.b)
    assert (await run.ended()).outcome is Outcome.COMPLETED


async def test_retry_goes_back_once_the_source_is_healthy(world: World) -> None:
    """A retry asks again: while A is down it needs an operator again, and goes back when A is up."""
    run = await _no_way_back(world)
    await run.command("retry")
    await run.until(lambda view: view.status is Status.UNDOING)
    assert "not proven healthy" in (await run.asks()).sentence
    world.gateway.down.clear()
    await run.command("retry")
    assert (await run.ended()).outcome is Outcome.ROLLED_BACK
    await world.assert_serves_only_from(world.a)


async def test_temporals_cancel_does_not_end_a_run_that_needs_an_operator(world: World) -> None:
    """The question stays open with its lease, both sides are kept, and an answer is still taken."""
    run = await _no_way_back(world)
    await run.handle.cancel()
    await run.handled_cancel()
    assert run.view.status is Status.NEEDS_OPERATOR
    world.gateway.down.clear()
    assert (await run.command("retry")).accepted
    assert (await run.ended()).outcome is Outcome.ROLLED_BACK
    await world.assert_serves_only_from(world.a)


async def test_abandoning_leaves_everything_as_it_is(world: World) -> None:
    """The run ends, its lease is free, and neither side is touched."""
    run = await _no_way_back(world)
    await run.command("abandon")
    view = await run.ended()
    assert "abandoned by operator, and nothing more is done" in view.sentence
    assert world.instances() == {world.a: 1, world.b: 1}
    assert (await world.document()).weights == {world.a: 0, world.b: 100}
    assert world.service.database.leases.holder(world.app) is None


async def test_a_run_that_temporal_has_lost_can_only_be_abandoned(world: World) -> None:
    """Every other command says so; then the lease is free, and nothing was touched.

    Routes give everything to B, so that is the source of what follows, and the instance that was left on A is cleared away.
    """
    run = await world.relocate(target=world.b, options={"bake_seconds": 20})
    await run.in_phase(Phase.BAKE)
    await run.terminate()
    with pytest.raises(NotRunning, match="abandon ends it"):
        await run.cancel()
    with pytest.raises(NotRunning, match="abandon ends it"):
        await run.command("retry")
    answer = await run.command("abandon")
    assert (answer.accepted, answer.sentence) == (True, run.view.sentence)
    assert (run.view.outcome, run.step(Phase.BAKE), run.step(Phase.DRAIN)) == (
        Outcome.CANCELLED,
        StepState.FAILED,
        StepState.SKIPPED,
    )
    assert "Temporal does not run it any more; abandoned by operator" in run.notes
    assert world.instances() == {world.a: 1, world.b: 1}
    with pytest.raises(NotRunning, match="has ended"):
        await run.command("abandon")
    assert (await world.move()).outcome is Outcome.NOTHING_TO_DO
    back = await world.move(target=world.a)
    assert (back.outcome, back.source) == (Outcome.COMPLETED, world.b)
    await world.assert_serves_only_from(world.a)


async def test_a_source_that_cannot_be_removed_is_finished_later(world: World) -> None:
    """Users are on B; an operator repairs A's cluster and says finish-cleanup; only then it is completed."""
    run = await _no_cleanup(world)
    view = run.view
    assert f"Users are on {world.b}, but {world.a} could not be removed" in view.sentence
    assert "finish-cleanup" in view.next_step
    assert (await world.document()).weights == {world.b: 100}
    await run.command("finish-cleanup")
    await run.until(lambda view: view.status is Status.RUNNING)
    await run.asks()
    world.repair(world.a)
    await run.command("finish-cleanup")
    assert (await run.ended()).outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.b)


async def test_a_cleanup_can_be_abandoned(world: World) -> None:
    """The move is completed, the instance stays where it is, and the sentence says so."""
    run = await _no_cleanup(world)
    await run.command("abandon")
    view = await run.ended()
    assert view.outcome is Outcome.COMPLETED
    assert world.instances() == {world.a: 1, world.b: 1}
    teardown = next(step.sentence for step in view.steps if step.phase is Phase.TEARDOWN)
    assert "is gone" not in teardown


async def test_hold_stops_the_way_forward_until_proceed(world: World) -> None:
    """A held move stands before its next step, whatever gets ready meanwhile; proceed lets it go on."""
    world.gateway.down.add(world.b)
    run = await world.relocate(target=world.b)
    await run.in_phase(Phase.READY)
    answer = await run.command("hold")
    assert (answer.accepted, answer.sentence[:16]) == (True, "held by operator")
    world.gateway.down.clear()
    await run.until(lambda view: view.status is Status.HELD and "READY" in run.done)
    assert max(document.weights.get(world.b, 0) for document in world.adapter.written) == 0
    assert (await run.command("proceed")).accepted
    assert (await run.ended()).outcome is Outcome.COMPLETED
    assert "held by operator: the story says so" in run.notes


async def test_a_held_move_can_go_back(world: World) -> None:
    """Hold stops going forward, never going back."""
    world.gateway.down.add(world.b)
    run = await world.relocate(target=world.b)
    await run.in_phase(Phase.READY)
    await run.command("hold")
    world.gateway.down.clear()
    await run.until(lambda _: "READY" in run.done)
    await run.cancel()
    assert (await run.ended()).outcome is Outcome.CANCELLED
    await world.assert_serves_only_from(world.a)


async def test_a_hold_does_not_hide_that_it_goes_back(world: World) -> None:
    """A hold that comes while everything is undone changes nothing, and the view says undoing, then the outcome."""
    run = await _no_way_back(world)
    world.before_write(world.gives(world.a, 100), lambda: world.gateway.silent.add("edge-2"))
    world.gateway.down.clear()
    await run.command("retry")
    await run.until(lambda _: "edge-2" in world.gateway.silent)
    await run.command("hold")
    assert run.view.status is Status.UNDOING
    world.nothing_before_writes()
    world.gateway.silent.clear()
    world.gateway.heal("edge-2")
    view = await run.ended()
    assert (view.status, view.outcome) == (Status.FINISHED, Outcome.ROLLED_BACK)


async def test_commands_out_of_place_are_refused_in_words(world: World) -> None:
    """A command that means nothing now changes nothing, and the answer says what can be said."""
    world.gateway.down.add(world.b)
    run = await world.relocate(target=world.b)
    await run.in_phase(Phase.READY)
    for command in ("proceed", "retry", "settle", "finish-cleanup", "abandon"):
        answer = await run.command(command, world.b)
        assert (answer.accepted, answer.sentence) == (
            False,
            f"{command} means nothing now; what can be said is: hold",
        )


async def test_nothing_can_be_held_after_the_point_of_no_return(world: World) -> None:
    """While A is being removed a hold is refused."""
    world.cluster(world.a).faults.remove_hangs = True
    run = await world.relocate(target=world.b)
    await run.until(lambda view: view.point_of_no_return)
    answer = await run.command("hold")
    assert (answer.accepted, answer.sentence) == (False, "the point of no return has been passed")
    world.cluster(world.a).instances.clear()
    assert (await run.ended()).outcome is Outcome.COMPLETED
