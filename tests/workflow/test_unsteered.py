# SPDX-License-Identifier: Apache-2.0
"""Stories of an application without routes: nobody steers its users, and the record says that nothing is proven of them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from relocate.model.application import Application
from relocate.model.relocation import Outcome, Phase, RelocationRequest, StepState
from steering.model import Rung
from tests.workflow.service import Service
from tests.workflow.world import World, without_routes

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALLOWED = {"unproven": "allow"}


class Unsteered(World):
    """The application is on `a`, and has no routes."""

    async def begin(self) -> None:
        """Placed by its workflow."""
        await self.begin_unplaced()
        await self.place(self.a)

    def application(self) -> Application:
        """Ready when its memory probe says so, asked directly."""
        return without_routes(super().application(), bake_seconds=5)

    def assert_is_only_on(self, cluster: str) -> None:
        """Instances and the record of placements say the same; the lease is free."""
        assert self.instances() == {cluster: 1}
        placements = self.service.database.placements.of(self.app)
        assert [(placement.cluster, placement.active) for placement in placements] == [(cluster, True)]
        assert self.service.database.leases.holder(self.app) is None


@pytest_asyncio.fixture(loop_scope="session")
async def unsteered(service: Service) -> AsyncIterator[Unsteered]:
    """It is placed on `a`."""
    world = Unsteered(service)
    try:
        await world.begin()
        yield world
    finally:
        await world.close()


async def test_it_is_refused_unless_that_is_allowed(unsteered: Unsteered) -> None:
    """Nothing is changed, and the sentence says what would be given up."""
    view = await unsteered.move()
    assert view.outcome is Outcome.ROLLED_BACK
    assert f"unproven: {unsteered.app} has no routes, so nothing can prove where its users are" in view.sentence
    unsteered.assert_is_only_on(unsteered.a)


async def test_it_moves_and_nothing_is_proven_of_its_users(unsteered: Unsteered) -> None:
    """Deployed, proven ready directly, its users left time to go, the source removed; the record says what is not proven."""
    run = await unsteered.relocate(target=unsteered.b, options=ALLOWED)
    view = await run.ended()
    assert view.outcome is Outcome.COMPLETED
    unsteered.assert_is_only_on(unsteered.b)
    states = {step.phase: step.state for step in view.steps}
    assert [phase for phase, state in states.items() if state is StepState.SKIPPED] == [
        Phase.PREPARE,
        Phase.TRANSFER,
        Phase.SWITCH,
        Phase.BAKE,
    ]
    assert "the policy waives the proof that nobody uses" in run.notes
    said = {claim.rung: (claim.holds, claim.sentence) for claim in run.claims if claim.phase is Phase.TEARDOWN}
    for rung in (Rung.ACKNOWLEDGED, Rung.PROBED):
        assert said[rung] == (
            False,
            "checked once more: not proven: there is no route by which anybody could be asked",
        )
    assert said[Rung.DRAINED] == (False, f"checked once more: not proven: nothing counts who uses {unsteered.a}")


async def test_a_target_that_is_not_ready_is_taken_away_again(unsteered: Unsteered) -> None:
    """As for any other application."""
    unsteered.fail_on(unsteered.b, "image not found")
    view = await unsteered.move(options=ALLOWED)
    assert (view.outcome, "image not found" in view.sentence) == (Outcome.ROLLED_BACK, True)
    unsteered.assert_is_only_on(unsteered.a)


async def test_a_cancel_while_users_are_left_time_keeps_the_source(unsteered: Unsteered) -> None:
    """Until the point of no return the way back is open."""
    options = {**ALLOWED, "drain": {"deadline_seconds": 60}}
    run = await unsteered.relocate(target=unsteered.b, options=options)
    await run.in_phase(Phase.DRAIN)
    await run.cancel()
    assert (await run.ended()).outcome is Outcome.CANCELLED
    unsteered.assert_is_only_on(unsteered.a)


async def test_a_plan_says_that_nobody_is_steered(unsteered: Unsteered) -> None:
    """Before anything is done."""
    request = RelocationRequest.model_validate(
        {"application": unsteered.app, "target": unsteered.b, "options": ALLOWED}
    )
    plan = await unsteered.service.dispatch.dry_run(request)
    assert any("nobody steers its users" in step for step in plan.steps)
