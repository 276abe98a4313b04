# SPDX-License-Identifier: Apache-2.0
"""Stories on clusters of EMCO's: whatever happens to a relocation, EMCO's intents and its copies are where they belong."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from relocate.emco_sim.rsync import Release
from relocate.errors import TargetFailed
from relocate.model.relocation import Outcome, Phase
from tests.clusters.emco import world as emco
from tests.workflow.emco import bakes
from tests.workflow.emco_world import EmcoWorld
from tests.workflow.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Worlds:
    """Those of one test."""

    def __init__(self, service: Service, stack: AsyncExitStack) -> None:
        """Args: service: that moves; stack: ends everything with the test."""
        self._service = service
        self._stack = stack

    async def make(
        self, release: Release = Release.R22_03, *, companion: bool = True, steered: bool = True
    ) -> EmcoWorld:
        """A world of a release, with nothing adopted."""
        url = str(self._service.database.engine.url)
        site = await self._stack.enter_async_context(emco.world(url, release))
        world = EmcoWorld(self._service, site, companion=companion, steered=steered)
        self._stack.push_async_callback(world.close)
        await world.begin_unplaced()
        return world


@pytest_asyncio.fixture(loop_scope="session")
async def worlds(service: Service) -> AsyncIterator[Worlds]:
    """Worlds that end with the test."""
    async with AsyncExitStack() as stack:
        yield Worlds(service, stack)


@pytest_asyncio.fixture(loop_scope="session")
async def world(worlds: Worlds) -> EmcoWorld:
    """An EMCO as of 22.03 whose application is adopted on `a`."""
    world = await worlds.make()
    await world.adopt()
    return world


async def test_what_emco_runs_is_adopted_and_moves_there_and_back(world: EmcoWorld) -> None:
    """Each time the target is added beside the source, and the source taken out when nobody uses it any more."""
    await world.assert_serves_only_from(world.a)
    for source, target in ((world.a, world.b), (world.b, world.a)):
        view = await world.move(target=target)
        assert (view.outcome, view.source) == (Outcome.COMPLETED, source)
        await world.assert_serves_only_from(target)
        assert (await world.site.intent())["spec"]["intent"] == {"allOf": emco.named(target)}


async def test_a_target_that_never_gets_ready_leaves_emco_as_it_was(world: EmcoWorld) -> None:
    """EMCO's own summary says Ready; the relocation goes back all the same, intents and update included."""
    before = await world.site.intent()
    world.cluster(world.b).faults.never_runs = True
    view = await world.move(options={"deploy_seconds": 1})
    assert view.outcome is Outcome.ROLLED_BACK
    assert "Deployment r1-web is NotReady" in view.sentence
    assert await world.site.intent() == before
    await world.assert_serves_only_from(world.a)


async def test_a_cancel_after_the_switch_puts_the_intents_back(world: EmcoWorld) -> None:
    """Users go back first, then EMCO is told."""
    before = await world.site.intent()
    bakes(world, 60)
    run = await world.relocate(target=world.b)
    await run.in_phase(Phase.BAKE)
    await run.cancel()
    assert (await run.ended()).outcome is Outcome.CANCELLED
    assert await world.site.intent() == before
    await world.assert_serves_only_from(world.a)


async def test_an_emco_that_goes_away_is_waited_for(world: EmcoWorld) -> None:
    """It is gone while users are on B and A has to be removed; the removal is done when it is back."""
    bakes(world, 1)
    run = await world.relocate(target=world.b)
    await run.in_phase(Phase.BAKE)
    world.site.refusing = True
    await run.until(lambda view: view.point_of_no_return)
    await run.settled()
    world.site.refusing = False
    assert (await run.ended()).outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.b)


async def test_what_emco_leaves_running_asks_for_an_operator(worlds: Worlds) -> None:
    """Its main branch: the reason names the leftovers. EMCO never says that they are gone; a companion can prove it."""
    world = await worlds.make(Release.MAIN, companion=False)
    await world.adopt()
    run = await world.relocate(target=world.b)
    view = await run.asks()
    assert "Deployment r1-web of web is Applied" in view.sentence
    assert world.instances() == {world.a: 1, world.b: 1}
    world.site.memory(world.a).instances.clear()
    world.give_companion(world.a)
    await run.command("finish-cleanup")
    assert (await run.ended()).outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.b)


async def test_what_emco_leaves_running_is_swept(worlds: Worlds) -> None:
    """With a companion nobody is asked."""
    world = await worlds.make(Release.MAIN)
    await world.adopt()
    assert (await world.move()).outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.b)


async def test_an_adoption_that_fails_leaves_no_route(worlds: Worlds) -> None:
    """Nobody was served by the new route before, and nobody is afterwards; EMCO was not touched."""
    world = await worlds.make()
    world.data_plane.broken[world.a] = 503
    revision = await world.site.revision()
    with pytest.raises(TargetFailed, match="could not be adopted"):
        await world.adopt()
    assert await world.adapter.read(world.app) is None
    assert world.service.database.placements.of(world.app) == []
    assert (world.instances(), await world.site.revision()) == ({world.a: 1}, revision)


async def test_without_a_gateway_it_moves_and_nothing_is_proven_of_its_users(worlds: Worlds) -> None:
    """EMCO's safe order alone: added, proven ready, given time, taken out, proven gone; and the record says the rest."""
    world = await worlds.make(steered=False)
    await world.adopt()
    run = await world.relocate(target=world.b, options={"unproven": "allow"})
    assert (await run.ended()).outcome is Outcome.COMPLETED
    assert "(unproven); not proven: nothing counts who uses" in run.notes
    assert world.instances() == {world.b: 1}
    assert (await world.site.intent())["spec"]["intent"] == {"allOf": emco.named(world.b)}


async def test_a_group_that_somebody_changes_stops_the_teardown(world: EmcoWorld) -> None:
    """An update would end B under its users: both stay, and an operator is asked, with the reason."""
    bakes(world, 1)
    run = await world.relocate(target=world.b)
    await run.in_phase(Phase.BAKE)
    await world.site.intend("web", {"allOf": emco.named(world.a, world.c)})
    view = await run.asks()
    assert f"somebody took edge+{world.b} out of EMCO's intents of web" in view.sentence
    assert world.instances() == {world.a: 1, world.b: 1}
    await world.site.intend("web", {"allOf": emco.named(world.a, world.b)})
    await run.command("finish-cleanup")
    assert (await run.ended()).outcome is Outcome.COMPLETED
    await world.assert_serves_only_from(world.b)
