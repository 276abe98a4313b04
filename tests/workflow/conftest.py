# SPDX-License-Identifier: Apache-2.0
"""One Temporal dev server and its workers for all stories; a world of its own for each."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.client import Client

from relocate.activities.judging import JudgingActivity, Look
from relocate.activities.orders import Baseline, BaselineOrder, JudgeOrder
from tests.workflow.service import Service, dev_server, running_service
from tests.workflow.world import World


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
async def world(service: Service, forgetful_service: Service, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A world whose application is placed on `a`, under a policy without waiting; its histories are replayed."""
    forgets = getattr(request, "param", "cached") == "forgetful"
    world = World(forgetful_service if forgets else service)
    try:
        await world.begin()
        yield world
    finally:
        await world.close()


@pytest.fixture(autouse=True)
def short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A side that is not healthy is found so in half a second, and not in eight."""
    monkeypatch.setattr("relocate.activities.readying.LOOK_SECONDS", 0.5)


@pytest.fixture
def impatient_judging(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judgement that is inconclusive is given back at once, and not after a minute."""
    _without_patience(monkeypatch, "_watch")


@pytest.fixture
def no_wait_for_a_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked for once, before the prober has handed over anything."""
    _without_patience(monkeypatch, "_wait")


def _without_patience(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    patient = getattr(JudgingActivity, method)

    async def impatient(self: JudgingActivity, order: JudgeOrder | BaselineOrder) -> Look | Baseline:
        found: Look | Baseline = await patient(self, order.model_copy(update={"patience_seconds": 0}))
        return found

    monkeypatch.setattr(JudgingActivity, method, impatient)
