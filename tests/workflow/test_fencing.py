# SPDX-License-Identifier: Apache-2.0
"""Stories of attempts that come too late."""

import asyncio

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from relocate.activities.instances import Instances
from relocate.activities.orders import RemoveOrder, SteerOrder
from relocate.activities.steering import Steering
from relocate.clusters.memory import MemoryDriver
from relocate.errors import StaleFence
from relocate.model.relocation import Outcome, Phase, Status
from relocate.phases import documents
from steering.model import Backend, Endpoint, Fence
from tests.workflow.run import Run, eventually
from tests.workflow.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _late_steer(world: World, relocation: str, fence: Fence) -> SteerOrder:
    """An attempt of the switch to B that a worker began long ago."""
    b = Backend(name=world.b, instance="late", endpoints={"http": (Endpoint(host="127.0.0.1", port=9),)})
    return SteerOrder(
        relocation=relocation,
        application=world.application(),
        phase=Phase.SWITCH,
        fence=fence,
        sides=documents.only(b),
        probes=3,
    )


async def test_a_late_switch_is_refused_after_its_undo(world: World) -> None:
    """The undo took a higher fence: the attempt that it undid changes nothing and is not tried again."""
    world.gateway.open_stream("edge-1", world.app)
    run = await world.relocate(target=world.b)
    await run.in_phase(Phase.DRAIN)
    await run.cancel()
    await run.ended()
    before = len(world.adapter.written)
    with pytest.raises(ApplicationError) as refused:
        await ActivityEnvironment().run(
            Steering(world.service.parts).steer, _late_steer(world, run.id, Fence(lease=1, sequence=7))
        )
    assert (refused.value.type, refused.value.non_retryable) == ("StaleFence", True)
    assert len(world.adapter.written) == before
    await world.assert_serves_only_from(world.a)


async def test_an_old_leases_deploy_and_remove_are_refused(world: World) -> None:
    """Once another relocation has taken the lease, nothing of the old one reaches a cluster."""
    assert (await world.move(target=world.b)).outcome is Outcome.COMPLETED
    assert (await world.move(target=world.a)).outcome is Outcome.COMPLETED
    instances = Instances(world.service.parts)
    order = RemoveOrder(
        relocation=world.runs[0].id,
        application=world.application(),
        phase=Phase.TEARDOWN,
        fence=Fence(lease=1, sequence=10_000),
        cluster=world.a,
        instance=next(iter(world.cluster(world.a).instances))[1],
    )
    for attempt in (instances.remove, instances.deploy):
        with pytest.raises(ApplicationError) as refused:
            await ActivityEnvironment().run(attempt, order)
        assert refused.value.type == "StaleFence"
    await world.assert_serves_only_from(world.a)


async def test_a_deploy_that_hung_until_its_undo_was_done_leaves_nothing(world: World) -> None:
    """An attempt that hung before the cluster heard of it, and goes on after the removal, removes what it made."""
    hung, goes_on = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        world.cluster(world.b).before_deploy = nothing
        hung.set()
        await goes_on.wait()

    async def nothing() -> None:
        return

    lease = world.service.database.leases.take(world.app, "late")
    where = {"relocation": "late", "application": world.application(), "cluster": world.b, "instance": "late-1"}
    instances, world.cluster(world.b).before_deploy = Instances(world.service.parts), hang
    first, undo = (
        RemoveOrder(phase=Phase.DEPLOY, fence=Fence(lease=lease, sequence=number), **where) for number in (1, 2)
    )
    late = asyncio.create_task(ActivityEnvironment().run(instances.deploy, first))
    await hung.wait()
    await ActivityEnvironment().run(instances.remove, undo)
    goes_on.set()
    with pytest.raises(ApplicationError) as refused:
        await late
    assert refused.value.type == "StaleFence"
    world.service.database.leases.give_back(world.app, "late")
    await world.assert_serves_only_from(world.a)


async def test_a_writer_that_passed_the_lease_still_meets_the_gateways_fence(world: World) -> None:
    """The gateway compares fences too: an attempt that was checked, and then overtaken, writes nothing."""
    await world.move(target=world.b)
    state = await world.adapter.read(world.app)
    assert state is not None
    older = Fence(lease=state.fence.lease, sequence=state.fence.sequence - 1)
    with pytest.raises(Exception, match=r"is older than"):
        await world.adapter.apply(state.document.model_copy(update={"epoch": "late"}), fence=older, base=state.version)
    assert (await world.document()) == state.document


async def _removal_of_b_fails(world: World) -> tuple[Run, str, Fence]:
    """B's instance was to be removed again, and its cluster could not be asked; also the fence B was deployed under."""
    run = await world.relocate(target=world.b)
    goes_on = world.slow_down(world.b)
    await run.in_phase(Phase.DEPLOY)
    await run.command("hold")
    goes_on()
    await run.until(lambda view: view.status is Status.HELD and "DEPLOY" in run.done)
    instance = next(iter(world.cluster(world.b).instances))[1]
    deployed = world.cluster(world.b).fences.seen(world.app, instance)
    assert deployed is not None
    world.misconfigure(world.b)
    await run.cancel()
    await run.asks()
    return run, instance, deployed


async def test_a_late_removal_is_refused_once_an_operator_has_settled_on_the_side(world: World) -> None:
    """The cluster was told a newer fence before users were: the removal that was given up removes nothing."""
    run, instance, deployed = await _removal_of_b_fails(world)
    world.repair(world.b)
    await run.command("settle", world.b)
    assert (await run.ended()).outcome is Outcome.COMPLETED
    late = Fence(lease=deployed.lease, sequence=deployed.sequence + 1)
    with pytest.raises(StaleFence):
        await MemoryDriver.open(world.b, {}).remove(world.app, instance, late)
    await world.assert_serves_only_from(world.b)


async def test_settling_on_a_side_whose_cluster_cannot_be_asked_is_refused(world: World) -> None:
    """Nothing shows that its removal will not come any more: it gets no traffic, and the question stays."""
    run, _, _ = await _removal_of_b_fails(world)
    await run.command("settle", world.b)
    view = await run.until(lambda view: f"settling on {world.b} was refused" in view.sentence)
    assert (view.status, "its removal was ordered" in view.sentence) == (Status.NEEDS_OPERATOR, True)
    assert (await world.document()).weights == {world.a: 100}


async def test_settling_on_a_side_that_is_being_removed_is_refused(world: World) -> None:
    """A removal that came first is seen, though the instance still answers."""
    run, instance, _ = await _removal_of_b_fails(world)
    world.repair(world.b)
    world.cluster(world.b).instances[world.app, instance].stopping = True
    await run.command("settle", world.b)
    view = await run.until(lambda view: f"settling on {world.b} was refused" in view.sentence)
    assert f"{instance} on {world.b} is stopping" in view.sentence
    assert (await world.document()).weights == {world.a: 100}


async def test_a_late_removal_is_refused_once_users_have_gone_back_to_the_side(world: World) -> None:
    """Settling on B failed to remove A, and everything went back to A: A's cluster was told a newer fence first."""
    run = await world.relocate(target=world.b, options={"bake_seconds": 20})
    await run.in_phase(Phase.BAKE)
    placed = Fence(lease=0, sequence=1)
    world.gateway.down.add(world.a)
    await run.cancel()
    await run.asks()
    world.misconfigure(world.a)
    await run.command("settle", world.b)
    await run.until(lambda view: view.status is Status.NEEDS_OPERATOR and "settings" in view.sentence)
    world.gateway.down.clear()
    await run.command("retry")
    await run.until(lambda view: f"going back to {world.a} was refused" in view.sentence)
    assert (await world.document()).weights == {world.b: 100}
    world.repair(world.a)
    await run.command("retry")
    assert (await run.ended()).outcome is Outcome.CANCELLED
    seen = world.cluster(world.a).fences.seen(world.app, f"{world.app}-first")
    assert seen is not None
    assert placed < seen
    await world.assert_serves_only_from(world.a)


async def test_a_removal_that_waited_looks_at_its_turn_again(world: World) -> None:
    """An attempt that took its turn, and was overtaken before it could ask the cluster, does not ask."""
    leases = world.service.database.leases
    lease = leases.take(world.app, "late")
    first, undo = (Fence(lease=lease, sequence=number) for number in (1, 2))
    instance, goes_on = f"{world.app}-first", world.slow_down(world.a)
    order = RemoveOrder(
        relocation="late",
        application=world.application(),
        phase=Phase.TEARDOWN,
        fence=first,
        cluster=world.a,
        instance=instance,
    )
    late = asyncio.create_task(ActivityEnvironment().run(Instances(world.service.parts).remove, order))
    await eventually(lambda: _is_overtaken(world, Fence(lease=lease, sequence=0)))
    leases.advance(world.app, undo)
    goes_on()
    with pytest.raises(ApplicationError) as refused:
        await late
    assert refused.value.type == "StaleFence"
    assert world.cluster(world.a).fences.seen(world.app, instance) == Fence(lease=0, sequence=1)
    leases.give_back(world.app, "late")
    await world.assert_serves_only_from(world.a)


async def _is_overtaken(world: World, fence: Fence) -> bool:
    try:
        world.service.database.leases.check(world.app, fence)
    except StaleFence:
        return True
    return False
