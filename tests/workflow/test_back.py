# SPDX-License-Identifier: Apache-2.0
"""Stories of moves that go back by themselves."""

import asyncio
from datetime import UTC, datetime

import pytest
from temporalio.testing import ActivityEnvironment

from relocate.activities.orders import SteerOrder
from relocate.activities.steering import Steering
from relocate.model.relocation import Outcome, Phase, Status, StepState
from relocate.phases import documents
from steering.model import Acknowledgement, Fence
from tests.workflow.run import Run, eventually
from tests.workflow.world import JUDGING, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _fails_users_in_the_bake(world: World) -> Run:
    """B is switched to and passes its checks, and then fails users."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 20})
    await run.in_phase(Phase.BAKE)
    world.data_plane.broken[world.b] = 500
    return run


async def test_when_all_targets_fail_every_reason_is_told(world: World) -> None:
    """Users stay on A, nothing is left on any target, and the outcome names what each one lacked."""
    world.fail_on(world.b, "image not found")
    world.fail_on(world.c, "quota exceeded")
    view = await world.move(target=None, candidates=[world.b, world.c])
    assert view.outcome is Outcome.ROLLED_BACK
    assert all(part in view.sentence for part in (world.b, "image not found", world.c, "quota exceeded"))
    await world.assert_serves_only_from(world.a)


async def test_a_document_that_the_gateway_cannot_carry_changes_nothing(world: World) -> None:
    """A refusal before the first write leaves the route at the version it had."""
    before = await world.document()
    world.refuse(lambda document: world.b in document.weights)
    view = await world.move()
    assert view.outcome is Outcome.ROLLED_BACK
    assert "too many backends" in view.sentence
    assert (await world.document()).weights == before.weights
    await world.assert_serves_only_from(world.a)


async def test_a_write_that_one_instance_rejects_is_taken_back(world: World) -> None:
    """An instance that refuses the switch stops it, although the other has applied it; both are brought back."""
    world.before_write(world.gives(world.b, 100), lambda: world.gateway.refusals.update({"edge-2": "too long"}))
    world.then_before_write(world.gives(world.a, 100), world.gateway.refusals.clear)
    view = await world.move()
    assert view.outcome is Outcome.ROLLED_BACK, view.sentence
    assert "too long" in view.sentence
    await world.assert_serves_only_from(world.a)


async def test_a_target_that_fails_users_is_left_again(world: World) -> None:
    """B passes its checks and fails users: the bake judges it bad, and everything goes back to A."""
    run = await _fails_users_in_the_bake(world)
    view = await run.ended()
    assert view.outcome is Outcome.ROLLED_BACK
    assert f"{world.b} failed" in view.sentence
    assert [claim.holds for claim in run.claims if claim.phase is Phase.BAKE and claim.rung == "E4"] == [False]
    await world.assert_serves_only_from(world.a)


async def test_a_bad_middle_step_goes_back_before_the_next(world: World) -> None:
    """A step that is judged bad is the last one: B never gets everything."""
    run = await world.relocate(target=world.b, options={"steps": [50, 100], "hold_seconds": 20})
    await run.until(lambda view: view.weights == {world.a: 50, world.b: 50})
    world.data_plane.broken[world.b] = 500
    view = await run.ended()
    assert view.outcome is Outcome.ROLLED_BACK
    assert max(document.weights.get(world.b, 0) for document in world.adapter.written) == 50
    await world.assert_serves_only_from(world.a)


async def test_the_last_step_is_undone_first(world: World) -> None:
    """Traffic goes back, then the gateways forget B, then B is removed."""
    run = await _fails_users_in_the_bake(world)
    await run.ended()
    undone = [said for said, parted, _ in (sentence.partition(" Went back") for sentence in run.undoing) if parted]
    assert undone == [
        f"Going back to {world.a}.",
        f"Making the gateways forget {world.b}.",
        f"Removing the new instance from {world.b}.",
    ]
    assert [run.step(phase) for phase in (Phase.DEPLOY, Phase.PREPARE, Phase.SWITCH)] == [StepState.UNDONE] * 3


async def test_a_target_that_dies_in_the_bake_is_left_again(world: World) -> None:
    """B dies under traffic: the gateways fall back to A, this is noticed, and everything goes back."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 10})
    await run.in_phase(Phase.BAKE)
    world.gateway.down.add(world.b)
    view = await run.ended()
    assert view.outcome is Outcome.ROLLED_BACK
    await world.assert_serves_only_from(world.a)


async def test_too_few_samples_hold(world: World, impatient_judging: None) -> None:
    """What was not seen of B is neither good nor bad: the run waits for somebody, and `proceed` judges again."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 0.1, "judging": {**JUDGING, "min_samples": 15}})
    held = await run.asks(Status.HELD)
    assert "Too little was seen" in held.sentence
    assert f"{world.b} was asked" in held.sentence
    assert held.next_step == "proceed judges again; cancel goes back"
    while held.status is Status.HELD:
        assert (await run.command("proceed")).accepted
        await run.until(lambda view: view.status is Status.RUNNING)
        held = await run.until(lambda view: view.status in (Status.HELD, Status.FINISHED))
    assert held.outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.b)


async def test_the_switch_waits_until_the_source_has_been_seen(world: World) -> None:
    """The gate was faster than the prober; once A has no traffic, there would be nothing to compare B with."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 3, "judging": {**JUDGING, "min_samples": 25}})
    assert (await run.ended()).outcome is Outcome.COMPLETED
    assert run.judged.detail["baseline"]["requests"] >= 25
    assert f"Watching {world.a} for long enough to compare {world.b} with it." in run.said


async def test_without_a_baseline_nothing_is_switched_before_somebody_says_so(
    world: World, impatient_judging: None, no_wait_for_a_baseline: None
) -> None:
    """A was seen too seldom: users stay where they are, and `proceed` lets B's own errors decide."""
    run = await world.relocate(
        target=world.b, options={"bake_seconds": 0.1, "judging": {**JUDGING, "min_samples": 100_000}}
    )
    held = await run.asks(Status.HELD)
    assert "there is no baseline" in held.sentence
    assert (held.phase, held.weights) == (Phase.READY, {world.a: 100, world.b: 0})
    assert held.next_step.startswith(f"proceed judges {world.b} by its own errors alone")
    assert (await run.command("proceed")).accepted
    await run.in_phase(Phase.BAKE)
    assert "was asked" in (await run.asks(Status.HELD)).sentence
    await run.cancel()
    assert (await run.ended()).outcome is Outcome.CANCELLED
    assert run.judged.detail["alone"]
    await world.assert_serves_only_from(world.a)


async def test_a_baseline_that_came_while_it_was_held_is_used(world: World, no_wait_for_a_baseline: None) -> None:
    """Nobody has to do without what has been seen by then."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 3, "judging": {**JUDGING, "min_samples": 25}})
    await run.asks(Status.HELD)
    watched = world.service.database.watched
    await eventually(lambda: asyncio.to_thread(lambda: len(watched.seconds(run.id, since=0, until=2**40)) >= 10))
    assert (await run.command("proceed")).accepted
    assert (await run.ended()).outcome is Outcome.COMPLETED
    assert not run.judged.detail["alone"]
    await world.assert_serves_only_from(world.b)


async def test_somebody_elses_change_is_told_and_not_overwritten(world: World) -> None:
    """Weights that somebody else wrote during the move stop it, and stay as they are until an operator has seen them."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 0.5})
    await run.in_phase(Phase.BAKE)
    theirs = await world.write_as_somebody_else({world.a: 30, world.b: 70})
    asked = await run.asks()
    assert "changed by somebody else" in asked.sentence
    assert (await world.document()) == theirs
    assert world.instances() == {world.a: 1, world.b: 1}
    assert (await run.command("retry")).accepted
    assert (await run.ended()).outcome is Outcome.ROLLED_BACK
    await world.assert_serves_only_from(world.a)


async def test_a_route_that_somebody_deletes_is_written_anew_on_the_way_back(world: World) -> None:
    """Users were lost by the one who deleted it; they end on A, proven healthy, and nobody has to be asked."""
    world.gateway.open_stream("edge-1", world.app)
    run = await world.relocate(target=world.b, options={"drain": {"window_seconds": 0, "at_deadline": "wait"}})
    await run.told_left(1)
    await world.delete_as_somebody_else()
    view = await run.ended()
    assert view.outcome is Outcome.ROLLED_BACK, view.sentence
    assert f"gateway {world.gateway_name} has no route {world.app}: it is written anew" in run.notes
    anew = [
        claim for claim in run.claims if "had been deleted by somebody else, and was written anew" in claim.sentence
    ]
    assert [claim.detail["weights"] for claim in anew] == [{world.a: 0, world.b: 100}]
    await world.assert_serves_only_from(world.a)


async def test_a_route_that_somebody_deletes_is_not_written_anew_on_the_way_forward(world: World) -> None:
    """It is a change like any other: the move goes no further than where it was found, and goes back."""
    run = await world.relocate(target=world.b, options={"steps": [50, 100], "hold_seconds": 0.5})
    await run.until(lambda view: view.weights == {world.a: 50, world.b: 50})
    assert (await run.command("hold")).accepted
    await run.until(lambda view: view.next_step == "proceed goes on; cancel goes back")
    await world.delete_as_somebody_else()
    assert (await run.command("proceed")).accepted
    view = await run.ended()
    assert view.outcome is Outcome.ROLLED_BACK
    assert not [one for one in world.adapter.written if one.weights.get(world.b) == 100]
    await world.assert_serves_only_from(world.a)


async def test_a_change_that_the_operator_has_not_seen_is_told_again(world: World) -> None:
    """`retry` replaces what was shown; what somebody wrote after the question was asked is asked about anew."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 0.5})
    await run.in_phase(Phase.BAKE)
    await world.write_as_somebody_else({world.a: 30, world.b: 70})
    first = await run.asks()
    theirs = await world.write_as_somebody_else({world.a: 40, world.b: 60})
    assert (await run.command("retry")).accepted
    again = await run.until(lambda view: view.status is Status.NEEDS_OPERATOR and view.sentence != first.sentence)
    assert f"{world.b} 60 %" in again.sentence
    assert (await world.document()) == theirs
    assert (await run.command("retry")).accepted
    assert (await run.ended()).outcome is Outcome.ROLLED_BACK
    await world.assert_serves_only_from(world.a)


async def test_nothing_is_removed_without_stored_evidence(world: World) -> None:
    """When the last look cannot be put on record, A stays and everything goes back to it."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 0.5})
    with world.full_disk(run.id, "checked once more%"):
        view = await run.ended()
    assert view.outcome is Outcome.ROLLED_BACK
    assert "could not be stored" in view.sentence
    await world.assert_serves_only_from(world.a)


async def test_a_target_that_fails_every_user_is_left_soon(world: World) -> None:
    """B passes its gate and answers every user with an error: it does not keep the traffic until the write's time is over."""
    world.before_write(world.gives(world.b, 100), lambda: world.data_plane.broken.update({world.b: 500}))
    async with asyncio.timeout(5):
        view = await world.move()
    assert view.outcome is Outcome.ROLLED_BACK
    await world.assert_serves_only_from(world.a)


async def test_an_unhealthy_source_is_not_taken_for_healthy_because_the_target_answers(world: World) -> None:
    """The gateways have forgotten A when the last look fails: A's health is asked of A, not of whoever answers users."""
    world.before_write(lambda document: document.weights == {world.b: 100}, lambda: world.gateway.down.add(world.a))
    run = await world.relocate(target=world.b, options={"bake_seconds": 0.5})
    with world.full_disk(run.id, "checked once more%"):
        view = await run.until(lambda view: view.status in {Status.NEEDS_OPERATOR, Status.FINISHED})
    assert view.status is Status.NEEDS_OPERATOR
    assert (await world.document()).weights.get(world.b) == 100


async def test_a_deaf_gateway_instance_blocks(world: World) -> None:
    """An instance that serves on and no longer listens to us cannot be moved: both sides are kept until it is back."""
    world.before_write(world.gives(world.b, 100), lambda: world.gateway.cut("edge-2"))
    run = await world.relocate(target=world.b)
    await run.until(lambda _: world.gateway.stand("edge-2", world.app, 1).state is Acknowledgement.DEAF)
    await run.cancel()
    await run.until(lambda view: view.status is Status.UNDOING)
    assert world.instances() == {world.a: 1, world.b: 1}
    world.gateway.heal("edge-2")
    assert (await run.ended()).outcome is Outcome.CANCELLED
    await world.assert_serves_only_from(world.a)


async def test_a_gateway_instance_whose_listener_is_unknown_is_named(world: World) -> None:
    """It is connected and not declared, so nobody can ask through it: nothing moves, and the reason says what to do."""
    address = world.data_plane.ports.pop("edge-2")
    run = await world.relocate(target=world.b)
    view = await run.asks()
    assert (
        f"edge-2 has its routes from gateway {world.gateway_name}, and nobody knows where it listens" in view.sentence
    )
    assert "declare it with its address" in view.sentence
    assert (await world.document()).weights == {world.a: 100}
    world.data_plane.ports["edge-2"] = address
    await run.command("retry")
    assert (await run.ended()).outcome is Outcome.ROLLED_BACK
    await world.assert_serves_only_from(world.a)


async def test_renewing_probe_paths_keeps_the_weights_that_stand(world: World) -> None:
    """What was ordered last had never been written: users stay where they are, whatever the order says."""
    standing = (await world.document()).backends[0]
    b = standing.model_copy(update={"name": world.b, "instance": "never-served"})
    sides = documents.between(standing, b, 100, tokens={}, expiry=datetime.now(UTC), failover=False)
    order = SteerOrder(
        relocation="rel",
        application=world.application(),
        phase=Phase.SWITCH,
        fence=Fence(lease=1, sequence=1),
        sides=sides,
        seen=False,
        keeps=True,
    )
    steered = await ActivityEnvironment().run(Steering(world.service.parts).steer, order)
    assert (await world.document()).weights == {world.a: 100, world.b: 0}
    assert f"{world.a} 100 %, {world.b} 0 %" in steered.sentence
