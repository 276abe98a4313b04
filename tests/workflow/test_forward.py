# SPDX-License-Identifier: Apache-2.0
"""Stories of moves that go forward, or have nowhere to go."""

import pytest

from relocate.errors import InvalidRequest
from relocate.model.cluster import Cluster
from relocate.model.relocation import Outcome, Phase, RelocationRequest, Status, StepState
from steering.model import Rung
from tests.workflow.world import INSTANCES, World

pytestmark = pytest.mark.asyncio(loop_scope="session")
both_caches = pytest.mark.parametrize("world", ["cached", "forgetful"], indirect=True)


async def test_an_application_moves_there_and_back(world: World) -> None:
    """A completed move serves from B alone, and the same request with the names exchanged brings it home."""
    there = await world.move(target=world.b)
    assert there.outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.b)
    back = await world.move(target=world.a)
    assert back.outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.a)


@both_caches
async def test_a_completed_move_leaves_the_whole_proof(world: World) -> None:
    """Every phase is done and said, and every rung that the gateway can prove stands in the record, instance by instance."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 0.1})
    view = await run.ended()
    assert {step.phase for step in view.steps if step.state is not StepState.DONE} == {Phase.TRANSFER}
    assert (view.source, view.target, view.weights) == (world.a, world.b, {world.b: 100})
    assert (view.point_of_no_return, view.cut, view.finished_at is not None) == (True, 0, True)
    claims = run.claims
    assert {claim.rung for claim in claims if not claim.holds} <= {Rung.WATCHED}, "a quick move leaves few samples"
    for rung in (Rung.ACKNOWLEDGED, Rung.PROBED):
        assert {claim.instance for claim in claims if claim.rung is rung} >= set(INSTANCES)
    last_looks = [claim.rung for claim in claims if claim.sentence.startswith("checked once more")]
    assert last_looks == [Rung.ACKNOWLEDGED, Rung.PROBED, Rung.WATCHED, Rung.DRAINED]


async def test_no_time_to_bake_is_no_proof(world: World) -> None:
    """With bake_seconds 0 the phase is left out; the view and the record say so, and nothing stands there as watched."""
    run = await world.relocate(target=world.b)
    view = await run.ended()
    assert (view.outcome, run.step(Phase.BAKE)) == (Outcome.COMPLETED, StepState.SKIPPED)
    (said,) = [claim for claim in run.claims if claim.phase is Phase.BAKE]
    assert said.rung == "note"
    assert "nothing is proven by it" in said.sentence


async def test_weight_rises_in_the_steps_that_were_asked_for(world: World) -> None:
    """B is known without traffic, then gets each step's weight, then everything; A is named until the end."""
    view = await world.move(options={"steps": [50, 100]})
    assert view.outcome is Outcome.COMPLETED, view.sentence
    weights = [document.weights for document in world.adapter.written[1:]]
    a, b = world.a, world.b
    assert weights == [{a: 100, b: 0}, {a: 50, b: 50}, {a: 0, b: 100}, {b: 100}]


async def test_a_source_that_fails_everybody_is_left_for_a_proven_target(world: World) -> None:
    """A fails before B is known anywhere: that its gateways took B's document is seen all the same, and users go to B."""
    world.data_plane.broken[world.a] = 500
    run = await world.relocate(target=world.b)
    view = await run.ended()
    assert view.outcome is Outcome.COMPLETED, view.sentence
    prepared = [claim for claim in run.claims if claim.rung is Rung.PROBED and claim.phase is Phase.PREPARE]
    assert {claim.instance for claim in prepared} == set(INSTANCES)
    assert not any(claim.holds for claim in prepared)
    await world.assert_serves_only_from(world.b)


async def test_a_source_that_has_died_before_is_left_for_a_proven_target(world: World) -> None:
    """A's cluster says that the instance failed: the gateways still know it, and its users go to B."""
    ((application, instance),) = world.cluster(world.a).instances
    world.cluster(world.a).crash(application, instance, "out of memory")
    world.data_plane.broken[world.a] = 503
    run = await world.relocate(target=world.b)
    view = await run.ended()
    assert view.outcome is Outcome.COMPLETED, view.sentence
    assert "moved without what its cluster knows" in run.notes
    assert "out of memory" in run.notes
    await world.assert_serves_only_from(world.b)


async def test_a_source_whose_cluster_cannot_be_asked_is_left_and_cleared_away_later(world: World) -> None:
    """Users go to B; what is left on A's cluster waits for it, and is not called done before."""
    faults = world.cluster(world.a).faults
    faults.unavailable = True
    run = await world.relocate(target=world.b)
    await run.until(lambda view: view.point_of_no_return)
    assert (await world.document()).weights == {world.b: 100}
    assert run.view.status is not Status.FINISHED
    faults.unavailable = False
    assert (await run.ended()).outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.b)


async def test_it_stays_where_it_is_best(world: World) -> None:
    """When no candidate beats the current cluster, nothing is touched and the lease is free again."""
    view = await world.move(target=None, candidates=[world.a, world.b])
    assert view.outcome is Outcome.NOTHING_TO_DO
    assert len(world.adapter.written) == 1
    await world.assert_serves_only_from(world.a)


async def test_it_stays_when_it_is_there_already(world: World) -> None:
    """A move to where it runs is nothing to do."""
    view = await world.move(target=world.a)
    assert (view.outcome, view.sentence) == (Outcome.NOTHING_TO_DO, f"It already runs on {world.a}.")


async def test_no_target_is_an_answer(world: World) -> None:
    """When no candidate fits, the run ends with the reasons, and nothing was touched."""
    for name in (world.b, world.c):
        world.cordon(name)
    view = await world.move(target=None, candidates=[world.b, world.c])
    assert view.outcome is Outcome.NO_TARGET
    assert "cordoned" in view.sentence
    await world.assert_serves_only_from(world.a)


async def test_a_cluster_of_another_project_is_never_chosen(world: World) -> None:
    """Of two that fit alike, only the one that the application's project may use is taken."""
    catalogue, story = world.service.database.catalogue, {"story": world.app}
    for name in (world.b, world.c):
        catalogue.put(catalogue.get(Cluster, name).model_copy(update={"labels": story}))
    world.give(world.b, "other")
    view = await world.move(target=None, labels=story)
    assert (view.outcome, view.target) == (Outcome.COMPLETED, world.c)


@both_caches
async def test_the_next_best_is_taken_when_the_first_fails(world: World) -> None:
    """A target that does not come up is cleared away, and the next one serves; the view says why."""
    world.fail_on(world.b, "image not found")
    run = await world.relocate(candidates=[world.b, world.c])
    view = await run.ended()
    assert (view.outcome, view.target) == (Outcome.COMPLETED, world.c)
    assert any(f"{world.b} will not do" in sentence and "image not found" in sentence for sentence in run.said)
    await world.assert_serves_only_from(world.c)


async def test_a_target_that_never_gets_ready_is_left_for_the_next(world: World) -> None:
    """A target that runs and does not serve never gets weight; the gateways forget it, and the next one serves."""
    world.gateway.down.add(world.b)
    view = await world.move(target=None, candidates=[world.b, world.c], options={"ready_deadline_seconds": 0.3})
    assert (view.outcome, view.target) == (Outcome.COMPLETED, world.c)
    assert all(document.weights.get(world.b, 0) == 0 for document in world.adapter.written)
    await world.assert_serves_only_from(world.c)


async def test_a_dead_gateway_instance_is_left_out(world: World) -> None:
    """An instance that refuses connections and holds nothing serves nobody wrongly: the move goes on without it."""
    world.gateway.kill("edge-2")
    view = await world.move(options={"drain": {"window_seconds": 0, "deadline_seconds": 2}})
    assert (view.outcome, view.cut) == (Outcome.COMPLETED, 0), view.sentence
    assert world.instances() == {world.b: 1}


async def test_an_accepted_request_is_started_by_the_sweeper(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept and not started, because its process died in between, runs to its end all the same."""
    monkeypatch.setattr("relocate.temporal.dispatch.SETTLED_SECONDS", 0.0)
    run = world.accept_without_starting(target=world.b)
    assert await world.service.dispatch.sweep() == 1
    assert (await run.ended()).outcome is Outcome.COMPLETED
    assert await world.service.dispatch.sweep() == 0


async def test_a_target_that_does_not_run_in_time_is_given_up_with_its_reason(world: World) -> None:
    """A cluster may wait for room for ever; the application says how long is worth waiting for."""
    world.cluster(world.b).faults.never_runs = True
    run = await world.relocate(target=world.b, options={"deploy_seconds": 0.3})
    view = await run.ended()
    assert view.outcome is Outcome.ROLLED_BACK
    assert f"does not run on {world.b} after 0.3 s: " in view.sentence
    await world.assert_serves_only_from(world.a)


async def test_a_dry_run_says_what_stands_in_the_way_on_the_target(world: World) -> None:
    """What its cluster says to the deploy, or that it cannot be asked; nothing is changed."""
    asked = RelocationRequest(application=world.app, target=world.b)
    assert (await world.service.dispatch.dry_run(asked)).problems == ()
    faults = world.cluster(world.b).faults
    faults.unavailable = True
    (problem,) = (await world.service.dispatch.dry_run(asked)).problems
    faults.unavailable = False
    assert world.b in problem
    assert world.instances().keys() == {world.a}


async def test_a_gateway_that_cannot_acknowledge_is_refused_before_anything_is_changed(world: World) -> None:
    """Nothing could be proven there: nothing is deployed or written, and a dry run says so too, and how to allow it."""
    world.adapter.gateway.mute = True
    before = await world.document()
    with pytest.raises(InvalidRequest, match="allow relies on answers") as refused:
        await world.service.dispatch.dry_run(RelocationRequest(application=world.app, target=world.b))
    assert refused.value.field == "options.unproven"
    view = await world.move()
    assert view.outcome is Outcome.ROLLED_BACK
    assert f"unproven: gateway {world.gateway_name} cannot tell what its instances have applied" in view.sentence
    assert (await world.document()) == before
    assert world.instances().keys() == {world.a}


async def test_where_the_policy_allows_it_answers_stand_for_acknowledgements(world: World) -> None:
    """The move completes by what users would see (E3), and the record says of each claim what was waived."""
    world.adapter.gateway.mute = True
    run = await world.relocate(target=world.b, options={"unproven": "allow"})
    view = await run.ended()
    assert view.outcome is Outcome.COMPLETED, view.sentence
    seen = [claim for claim in run.claims if claim.rung is Rung.PROBED and claim.phase is Phase.SWITCH and claim.holds]
    assert {claim.instance for claim in seen} >= set(INSTANCES)
    await world.assert_serves_only_from(world.b)
