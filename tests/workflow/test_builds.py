# SPDX-License-Identifier: Apache-2.0
"""Workers that say their build: a relocation ends on the one on which it began."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from secrets import token_hex

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from relocate.errors import EngineUnavailable
from relocate.model.relocation import Outcome, Phase
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.migrate import prepare
from relocate.temporal.builds import Build, Builds, why_not_without
from relocate.temporal.dispatch import TemporalDispatch
from relocate.temporal.worker import workers
from tests.workflow.run import Run, eventually
from tests.workflow.service import Service, StoryParts
from tests.workflow.world import World

session = pytest.mark.asyncio(loop_scope="session")
SECONDS = 30.0


@pytest.fixture
def parts(tmp_path: Path) -> StoryParts:
    """Of all builds together; no other test's builds are of this deployment."""
    url = f"sqlite:///{tmp_path / 'relocate.db'}"
    prepare(url)
    return StoryParts(Settings(database_url=url, task_queue=f"builds.{token_hex(4)}"), Database.open(url))


@pytest_asyncio.fixture(loop_scope="session")
async def world(temporal: Client, parts: StoryParts) -> AsyncIterator[World]:
    """A world without workers."""
    made = World(Service(temporal, parts, TemporalDispatch(temporal, parts)))
    await made.begin()
    yield made
    await made.close()
    await parts.close()


@asynccontextmanager
async def _workers(world: World, build: str) -> AsyncIterator[None]:
    """Workers of a build, while the block runs."""
    service = world.service
    parts = StoryParts(service.parts.settings.model_copy(update={"worker_build": build}), service.database)
    parts.brought = service.parts.brought
    async with AsyncExitStack() as stack:
        for worker in workers(service.client, parts):
            await stack.enter_async_context(worker)
        yield


@session
async def test_a_relocation_ends_on_the_build_on_which_it_began(world: World) -> None:
    """Another one is promoted meanwhile; the next relocation begins there, and it is known what runs where."""
    builds = Builds(world.service.client, world.service.parts.settings)
    assert await builds.known() == []
    async with _workers(world, "one"):
        await builds.promote("one", SECONDS)
        first = await world.relocate(target=world.b, options={"bake_seconds": 0.3})
        await first.in_phase(Phase.BAKE)
        assert (await first.command("hold")).accepted
        async with _workers(world, "two"):
            await builds.promote("two", SECONDS)
            known = await _known_with(builds, first.id)
            assert known == [Build("one", current=False, relocations=(first.id,)), Build("two", current=True)]
            assert (await first.command("proceed")).accepted
            assert (await first.ended()).outcome is Outcome.COMPLETED
            second = await world.relocate(target=world.a)
            assert (await second.ended()).outcome is Outcome.COMPLETED
            assert [await _builds_of(run) for run in (first, second)] == [{"one"}, {"two"}]


@session
async def test_what_began_without_a_build_is_carried_on_by_the_current_one(world: World) -> None:
    """So that versioning can be turned on while something runs; from there on it is pinned."""
    async with _workers(world, ""):
        run = await world.relocate(target=world.b, options={"bake_seconds": 0.3})
        await run.in_phase(Phase.BAKE)
        assert (await run.command("hold")).accepted
    async with _workers(world, "one"):
        await Builds(world.service.client, world.service.parts.settings).promote("one", SECONDS)
        assert (await run.command("proceed")).accepted
        assert (await run.ended()).outcome is Outcome.COMPLETED
        assert await _builds_of(run) == {"", "one"}


@session
async def test_a_build_without_workers_is_not_promoted(world: World) -> None:
    """New relocations would wait for nobody; it is said so in a sentence."""
    builds = Builds(world.service.client, world.service.parts.settings)
    with pytest.raises(EngineUnavailable, match="build nobodys cannot be made current"):
        await builds.promote("nobodys", 0)


def test_a_build_is_needed_while_something_runs_or_may_begin() -> None:
    """The current one may go on a way back alone; one on which something runs, never."""
    known = [
        Build("one", current=False, relocations=("r-1", "r-2")),
        Build("two", current=True),
        Build("old", current=False),
    ]
    assert why_not_without(known, {"one", "two"}) == []
    assert why_not_without(known, {"two"}) == ["Build one has 2 that run: r-1, r-2."]
    assert why_not_without(known, {"one"}) == ["Build two is current: a relocation may begin on it at any moment."]
    assert why_not_without(known, {"one"}, current_may_go=True) == []


async def _known_with(builds: Builds, relocation: str) -> Sequence[Build]:
    """What is known once Temporal shows a run, which it does a moment later."""
    found: Sequence[Build] = ()

    async def shown() -> bool:
        nonlocal found
        found = await builds.known()
        return any(relocation in one.relocations for one in found)

    await eventually(shown)
    return found


async def _builds_of(run: Run) -> set[str]:
    """Every build that has taken a step of its workflow."""
    done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    steps = [event async for event in run.handle.fetch_history_events() if event.event_type == done]
    return {step.workflow_task_completed_event_attributes.deployment_version.build_id for step in steps}
