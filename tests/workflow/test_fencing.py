# SPDX-License-Identifier: Apache-2.0
"""Stories of attempts that come too late."""

import asyncio

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from relocate.activities.instances import Instances
from relocate.activities.orders import RemoveOrder, SteerOrder
from relocate.activities.steering import Steering
from relocate.model.relocation import Outcome, Phase
from relocate.phases import documents
from steering.model import Backend, Endpoint, Fence
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
