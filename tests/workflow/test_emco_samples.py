# SPDX-License-Identifier: Apache-2.0
"""The sample files of docs/samples/emco, against our intent routes with a real Temporal below them."""

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
import pytest_asyncio

from api.app import create_app
from relocate.model.relocation import Outcome, Phase
from tests.workflow.emco import bakes
from tests.workflow.emcoctl import documents, sent, values
from tests.workflow.run import Run, eventually
from tests.workflow.world import PROVIDER, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

KINDS = ("migrate", "relocate")


@pytest_asyncio.fixture(loop_scope="session")
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who asks the API of the world's service."""
    app = create_app(world.service.parts.settings, world.service.database, world.service.dispatch)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client


@pytest.fixture
def filled(world: World) -> Mapping[str, str]:
    """The samples' values, in the names of the world."""
    mine = {"Project": world.app, "Provider": PROVIDER, "SourceCluster": world.a, "TargetCluster": world.b}
    return values() | mine | {"Group": "dig1"}


async def _applied(
    client: httpx.AsyncClient, file: str, filled: Mapping[str, str], method: str = "POST"
) -> httpx.Response:
    (document,) = documents(file, filled)
    return await sent(client, method, document)


async def _of(world: World) -> Run:
    """The relocation that was begun."""
    relocations = world.service.database.relocations

    async def begun() -> bool:
        return bool(relocations.list(application=world.app))

    await eventually(begun)
    (view,) = relocations.list(application=world.app)
    world.runs.append(Run(world.service, view.id))
    return world.runs[-1]


@pytest.mark.parametrize("kind", KINDS)
async def test_the_samples_move_the_application(
    world: World, client: httpx.AsyncClient, filled: Mapping[str, str], kind: str
) -> None:
    """Defined, started, looked at until it has completed, and deleted again; the application serves from the target."""
    assert (await _applied(client, f"{kind}/04.define-workflow.yaml", filled)).status_code == 201
    assert (await _applied(client, f"{kind}/05.start-workflow.yaml", filled)).status_code == 204
    run = await _of(world)
    assert (await run.ended()).outcome is Outcome.COMPLETED

    async def completed() -> bool:
        status = await _applied(client, f"{kind}/06.workflow-status.yaml", filled, "GET")
        assert status.status_code == 200
        info = status.json()["workflowExecutionDescription"]["workflow_execution_info"]
        return (info["status"], status.json()["workflowQueryResult"]) == (2, "completed")

    await eventually(completed)
    assert (await _applied(client, f"{kind}/04.define-workflow.yaml", filled, "GET")).json()["metadata"][
        "name"
    ] == "move"
    assert (await _applied(client, f"{kind}/04.define-workflow.yaml", filled, "DELETE")).status_code == 204
    await world.assert_serves_only_from(world.b)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_samples_cancel_brings_it_back(
    world: World, client: httpx.AsyncClient, filled: Mapping[str, str], kind: str
) -> None:
    """The last sample file, while B is watched."""
    bakes(world, 20)
    await _applied(client, f"{kind}/04.define-workflow.yaml", filled)
    await _applied(client, f"{kind}/05.start-workflow.yaml", filled)
    run = await _of(world)
    await run.in_phase(Phase.BAKE)
    assert (await _applied(client, f"{kind}/07.cancel-workflow.yaml", filled)).status_code == 204
    assert (await run.ended()).outcome is Outcome.CANCELLED
    await world.assert_serves_only_from(world.a)
