# SPDX-License-Identifier: Apache-2.0
"""More relocations at once than a worker has room for."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from relocate.model.relocation import Outcome
from tests.workflow.service import running_service
from tests.workflow.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_probers_never_take_the_place_of_what_relocations_wait_for(temporal, tmp_path, monkeypatch):
    """With room for two looks at a time four relocations end all the same: they take turns."""
    monkeypatch.setattr("relocate.temporal.worker.WATCHES", 2)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(running_service(temporal, tmp_path, cached_workflows=100))
        worlds = [World(service) for _ in range(4)]
        for world in worlds:
            stack.push_async_callback(world.close)
            await world.begin()
        views = await asyncio.gather(*(world.move() for world in worlds))
    assert [view.outcome for view in views] == [Outcome.COMPLETED] * 4
