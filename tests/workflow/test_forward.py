# SPDX-License-Identifier: Apache-2.0
"""Stories of moves that go forward, or have nowhere to go."""

import pytest

from relocate.model.relocation import Outcome, Phase, StepState
from steering.model import Rung
from tests.workflow.world import INSTANCES, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_application_moves_there_and_back(world: World) -> None:
    """A completed move serves from B alone, and the same request with the names exchanged brings it home."""
    there = await world.move(target=world.b)
    assert there.outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.b)
    back = await world.move(target=world.a)
    assert back.outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.a)
