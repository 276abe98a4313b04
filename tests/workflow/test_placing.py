# SPDX-License-Identifier: Apache-2.0
"""Stories of first placements."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from relocate.activities.steering import FAILED_SECONDS
from relocate.errors import AlreadyRelocating, InvalidRequest, NotFound, TargetFailed
from tests.workflow.run import eventually
from tests.workflow.service import Service
from tests.workflow.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def unplaced(service: Service) -> AsyncIterator[World]:
    """A world whose application runs nowhere."""
    world = World(service)
    try:
        await world.begin_unplaced()
        yield world
    finally:
        await world.close()


async def test_an_application_is_placed(unplaced: World) -> None:
    """Its instance runs, its route is opened, and it stands in the record as the one that serves."""
    placement = await unplaced.place(unplaced.a)
    assert (placement.cluster, placement.active) == (unplaced.a, True)
    await unplaced.assert_serves_only_from(unplaced.a)


async def test_an_application_is_placed_once(unplaced: World) -> None:
    """A second placement is refused, and says where it is."""
    await unplaced.place(unplaced.a)
    with pytest.raises(InvalidRequest, match=f"is placed already, on {unplaced.a}"):
        await unplaced.place(unplaced.b)


async def test_nothing_is_placed_or_adopted_on_another_projects_cluster(unplaced: World) -> None:
    """As if there were no such cluster."""
    unplaced.give(unplaced.a, "other")
    with pytest.raises(NotFound, match=f"no cluster is called {unplaced.a}"):
        await unplaced.place(unplaced.a)
    with pytest.raises(NotFound, match=f"no cluster is called {unplaced.a}"):
        await unplaced.service.dispatch.adoption(unplaced.app, unplaced.a)
    assert unplaced.service.database.leases.holder(unplaced.app) is None


async def test_a_placement_that_fails_leaves_nothing(unplaced: World) -> None:
    """No instance, no route, no lease; the error says why."""
    unplaced.fail_on(unplaced.a, "image not found")
    with pytest.raises(TargetFailed, match="image not found"):
        await unplaced.place(unplaced.a)
    assert unplaced.instances() == {}
    assert await unplaced.adapter.read(unplaced.app) is None
    assert unplaced.service.database.placements.of(unplaced.app) == []
    assert unplaced.service.database.leases.holder(unplaced.app) is None


async def test_a_gateway_that_takes_its_time_to_hear_of_an_instance_is_waited_for(unplaced: World) -> None:
    """It answers 503 for longer than a switch would be given; nobody is served yet, so nobody loses by waiting."""
    unplaced.data_plane.broken[unplaced.a] = HTTPStatus.SERVICE_UNAVAILABLE
    asyncio.get_running_loop().call_later(3 * FAILED_SECONDS, unplaced.data_plane.broken.clear)
    assert (await unplaced.place(unplaced.a)).active


async def _placements_workflow(world: World) -> WorkflowHandle[Any, Any]:
    """The workflow of the placement that holds the application's lease, once Temporal has it."""
    found: list[WorkflowHandle[Any, Any]] = []

    async def started() -> bool:
        holder = world.service.database.leases.holder(world.app)
        if holder is None:
            return False
        found.append(world.service.client.get_workflow_handle(holder))
        try:
            return (await found[-1].describe()).status is WorkflowExecutionStatus.RUNNING
        except RPCError:
            return False

    await eventually(started)
    return found[-1]


async def test_a_placement_whose_caller_has_gone_keeps_its_lease_until_it_has_ended(unplaced: World) -> None:
    """It goes on all the same, alone on the application; when it has ended the sweeper gives the lease back."""
    let_go = unplaced.slow_down(unplaced.a)
    asking = asyncio.create_task(unplaced.place(unplaced.a))
    placing = await _placements_workflow(unplaced)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await unplaced.service.dispatch.sweep()
    assert unplaced.service.database.leases.holder(unplaced.app) == placing.id
    let_go()
    await placing.result()
    await unplaced.service.dispatch.sweep()
    await unplaced.assert_serves_only_from(unplaced.a)


async def test_a_placement_that_was_never_started_gives_its_lease_back(
    unplaced: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wanted it died after taking the lease: that is known when Temporal has not heard of it for a while."""
    leases, sweep = unplaced.service.database.leases, unplaced.service.dispatch.sweep
    leases.take(unplaced.app, f"place-{unplaced.app}")
    await sweep()
    assert leases.holder(unplaced.app) == f"place-{unplaced.app}"
    monkeypatch.setattr("relocate.temporal.placing.STARTS_WITHIN_SECONDS", 0.0)
    await sweep()
    assert leases.holder(unplaced.app) is None


async def test_a_gateway_that_has_not_checked_the_instance_yet_is_waited_for(unplaced: World) -> None:
    """It has the route and answers 503 for a moment, as it knows of no healthy instance: the placement goes on."""
    broken = unplaced.data_plane.broken
    broken[unplaced.a] = HTTPStatus.SERVICE_UNAVAILABLE
    unplaced.before_write(
        unplaced.gives(unplaced.a, 100), lambda: asyncio.get_running_loop().call_later(0.4, broken.clear)
    )
    placement = await unplaced.place(unplaced.a)
    assert (placement.cluster, placement.active) == (unplaced.a, True)


async def test_a_placed_application_on_the_move_is_not_placed(world: World) -> None:
    """Neither is a second relocation accepted while one runs."""
    world.gateway.down.add(world.b)
    run = await world.relocate(target=world.b)
    with pytest.raises(AlreadyRelocating, match=run.id):
        await world.relocate(target=world.c)


async def test_an_application_that_is_not_placed_cannot_move(unplaced: World) -> None:
    """The error says what to do first."""
    with pytest.raises(InvalidRequest, match="is not placed; place it first"):
        await unplaced.relocate(target=unplaced.b)
