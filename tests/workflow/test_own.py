# SPDX-License-Identifier: Apache-2.0
"""Stories of workflows of somebody else's: they run on a worker without a database, and are held to what every relocation is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.worker import Worker

from relocate.model.relocation import Outcome, Phase
from relocate.temporal.sandbox import sandbox
from tests.workflow.emco import bakes
from tests.workflow.own import TASK_QUEUE, Own, OwnInvoked
from tests.workflow.run import Run, eventually
from tests.workflow.service import Service
from tests.workflow.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def worker(service: Service) -> AsyncIterator[None]:
    """Somebody else's: it has the workflows, and nothing of ours."""
    async with Worker(service.client, task_queue=TASK_QUEUE, workflows=[Own, OwnInvoked], workflow_runner=sandbox()):
        yield


async def _started(world: World, **params: str) -> tuple[WorkflowHandle[Any, Any], Run]:
    """What a workflow client has started, and the relocation under it once it has begun."""
    given = {"activityParams": {"all-activities": {"application": world.app, "target": world.b, **params}}}
    client = world.service.client
    handle = await client.start_workflow(OwnInvoked.run, given, id=f"{world.app}-own", task_queue=TASK_QUEUE)

    async def begun() -> bool:
        return bool(world.service.database.relocations.list(application=world.app))

    await eventually(begun)
    (view,) = world.service.database.relocations.list(application=world.app)
    return handle, Run(world.service, view.id)


async def test_the_application_moves_with_the_whole_proof(world: World) -> None:
    """What is ordered is done by the service's workers; the record follows from its samples."""
    handle, run = await _started(world)
    assert (await handle.result())["outcome"] == "completed"
    assert f"{world.app}-own of own" in run.notes
    await run.ended()
    run.prove()
    await world.assert_serves_only_from(world.b)


async def test_a_cancel_of_what_was_started_leads_back(world: World) -> None:
    """It ends cancelled, and users are where they were."""
    bakes(world)
    handle, run = await _started(world)
    await run.in_phase(Phase.BAKE)
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
    assert (await run.ended()).outcome is Outcome.CANCELLED
    run.prove()
    await world.assert_serves_only_from(world.a)


async def test_operators_are_heard(world: World) -> None:
    """By the relocation's id, as of any other: it holds, and goes on."""
    bakes(world, 1)
    _, run = await _started(world)
    await run.in_phase(Phase.BAKE)
    assert (await run.command("hold")).accepted
    await run.until(lambda view: view.status == "held")
    assert (await run.command("proceed")).accepted
    assert (await run.ended()).outcome is Outcome.COMPLETED


async def test_one_that_is_terminated_is_swept_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its history holds everything that it knew, whoever wrote it."""
    monkeypatch.setattr("relocate.temporal.recovering.SETTLED", timedelta(seconds=0.5))
    monkeypatch.setattr("relocate.temporal.recovering.PERIOD_SECONDS", 0.1)
    bakes(world)
    _, run = await _started(world)
    await run.in_phase(Phase.BAKE)
    await run.settled()
    await run.handle.terminate("by mistake")

    async def swept() -> bool:
        await world.service.dispatch.sweep()
        return run.view.outcome is not None

    await eventually(swept)
    assert (await run.ended()).outcome is Outcome.CANCELLED
    await world.assert_serves_only_from(world.a)


async def test_what_makes_no_sense_ends_it_before_anything_is_done(world: World) -> None:
    """The field is named."""
    client = world.service.client
    with pytest.raises(WorkflowFailureError) as failure:
        await client.execute_workflow(
            OwnInvoked.run, {"activityParams": 7}, id=f"{world.app}-own", task_queue=TASK_QUEUE
        )
    assert "activityParams" in str(failure.value.cause)
    assert world.service.database.relocations.list(application=world.app) == []
