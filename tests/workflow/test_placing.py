# SPDX-License-Identifier: Apache-2.0
"""Stories of first placements."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from relocate.errors import AlreadyRelocating, InvalidRequest, TargetFailed
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


async def test_a_placement_that_fails_leaves_nothing(unplaced: World) -> None:
    """No instance, no route, no lease; the error says why."""
    unplaced.fail_on(unplaced.a, "image not found")
    with pytest.raises(TargetFailed, match="image not found"):
        await unplaced.place(unplaced.a)
    assert unplaced.instances() == {}
    assert await unplaced.adapter.read(unplaced.app) is None
    assert unplaced.service.database.placements.of(unplaced.app) == []
    assert unplaced.service.database.leases.holder(unplaced.app) is None


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
