# SPDX-License-Identifier: Apache-2.0
"""Stories of requests that come while Temporal goes away."""

import pytest

from relocate.demo.processes import free_ports
from relocate.errors import EngineUnavailable
from relocate.model.relocation import RelocationRequest
from relocate.temporal.dispatch import TemporalDispatch
from tests.workflow.run import OPERATOR
from tests.workflow.service import dev_server
from tests.workflow.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_is_accepted_as_temporal_goes_away_is_started_when_it_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just after an answer Temporal is not asked whether it is there: the request is kept. The next one is refused."""
    monkeypatch.setattr("relocate.temporal.dispatch.HEARD_SECONDS", 60.0)  # however long it takes to be gone
    monkeypatch.setattr("relocate.temporal.dispatch.SETTLED_SECONDS", 0.0)
    await world.service.dispatch.sweep()  # what other stories started is on record, and nothing of this one's
    request, (port,) = RelocationRequest(application=world.app, target=world.b), free_ports(1)
    async with dev_server(port=port) as client:
        dispatch = TemporalDispatch(client, world.service.parts)
        assert await dispatch.reachable()
    accepted = await dispatch.accept(request, key="first", actor=OPERATOR)
    pending = [one.id for one in world.service.database.acceptance.not_started()]
    assert accepted.view.id in pending
    with pytest.raises(EngineUnavailable, match="nothing was accepted"):
        await dispatch.accept(request, key="second", actor=OPERATOR)
    assert [one.id for one in world.service.database.acceptance.not_started()] == pending
    assert (await dispatch.accept(request, key="first", actor=OPERATOR)).repeated
    async with dev_server(port=port) as client:
        assert await dispatch.sweep() == 1
        assert (await client.get_workflow_handle(accepted.view.id).describe()).id == accepted.view.id
        assert await dispatch.sweep() == 0
