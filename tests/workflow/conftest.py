# SPDX-License-Identifier: Apache-2.0
"""One Temporal dev server and its workers for all stories; a world of its own for each."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from relocate.activities.judging import JudgingActivity
from relocate.activities.orders import JudgeOrder
from relocate.demo.system import TEMPORAL_TUNING
from relocate.phases.judging import Judged, Sample
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.migrate import prepare
from relocate.temporal.dispatch import TemporalDispatch
from relocate.temporal.worker import workers
from tests.workflow.world import Service, StoryParts, World


@asynccontextmanager
async def dev_server() -> AsyncIterator[Client]:
    """A client of a dev server, tuned as the demo's."""
    arguments = [part for value in TEMPORAL_TUNING for part in ("--dynamic-config-value", value)]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
        dev_server_extra_args=arguments,
        data_converter=pydantic_data_converter,
    ) as environment:
        yield environment.client


@asynccontextmanager
async def running_service(client: Client, folder: Path, *, cached_workflows: int) -> AsyncIterator[Service]:
    """The real workers on a fresh SQLite database."""
    url = f"sqlite:///{folder / 'relocate.db'}"
    prepare(url)
    parts = StoryParts(Settings(database_url=url, task_queue=f"cache-{cached_workflows}"), Database.open(url))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.close)
        for worker in workers(client, parts, cached_workflows=cached_workflows):
            await stack.enter_async_context(worker)
        yield Service(client, parts, TemporalDispatch(client, parts))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal() -> AsyncIterator[Client]:
    """The session's dev server."""
    async with dev_server() as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def service(temporal: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """Workers that keep workflows in memory, as in production."""
    async with running_service(temporal, tmp_path_factory.mktemp("service"), cached_workflows=1000) as service:
        yield service


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def forgetful_service(temporal: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """Workers that forget a workflow after each task, so that every task replays its whole history."""
    async with running_service(temporal, tmp_path_factory.mktemp("forgetful"), cached_workflows=0) as service:
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    service: Service, forgetful_service: Service, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """A world whose application is placed on `a`, under a policy without waiting; its histories are replayed."""
    forgets = getattr(request, "param", "cached") == "forgetful"
    world = World(forgetful_service if forgets else service)
    try:
        await world.begin()
        yield world
    finally:
        await world.close()


@pytest.fixture
def impatient_judging(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judgement that is inconclusive is given back at once, and not after a minute."""
    patient = JudgingActivity._watch

    async def impatient(self: JudgingActivity, order: JudgeOrder) -> tuple[Judged, Sample]:
        return await patient(self, order.model_copy(update={"patience_seconds": 0}))

    monkeypatch.setattr(JudgingActivity, "_watch", impatient)
