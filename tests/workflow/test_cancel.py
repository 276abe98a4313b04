# SPDX-License-Identifier: Apache-2.0
"""Stories of a cancel in each phase: everything is undone, or it came too late."""

from collections.abc import Awaitable, Callable

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from relocate.errors import NotRunning
from relocate.model.relocation import Outcome, Phase
from tests.workflow.run import Run
from tests.workflow.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

Standstill = Callable[[World], Callable[[], None]]


def _nothing() -> None:
    """What stands still need not be let go."""


def _in_select(world: World) -> Callable[[], None]:
    return world.slow_down(world.a)


def _in_deploy(world: World) -> Callable[[], None]:
    world.cluster(world.b).faults.never_runs = True
    return _nothing


def _in_ready(world: World) -> Callable[[], None]:
    world.gateway.down.add(world.b)
    return _nothing


def _in_drain(world: World) -> Callable[[], None]:
    world.gateway.open_stream("edge-1", world.app)
    return _nothing


def _in_write(wanted: Callable[[World, dict[str, int]], bool]) -> Standstill:
    """The write is made, and one instance's acknowledgement of it is lost."""

    def arrange(world: World) -> Callable[[], None]:
        silent = world.gateway.silent
        world.before_write(lambda document: wanted(world, document.weights), lambda: silent.add("edge-2"))

        def let_go() -> None:
            silent.clear()
            world.nothing_before_writes()

        return let_go

    return arrange


STANDSTILLS: dict[Phase, tuple[Standstill, dict[str, object]]] = {
    Phase.SELECT: (_in_select, {}),
    Phase.DEPLOY: (_in_deploy, {}),
    Phase.PREPARE: (_in_write(lambda world, weights: weights.get(world.b) == 0), {}),
    Phase.READY: (_in_ready, {}),
    Phase.SWITCH: (_in_write(lambda world, weights: weights.get(world.b) == 100), {}),
    Phase.BAKE: (lambda _: _nothing, {"bake_seconds": 60}),
    Phase.DRAIN: (_in_drain, {}),
    Phase.TEARDOWN: (_in_write(lambda world, weights: weights == {world.b: 100}), {}),
}


async def _stand_still(world: World, phase: Phase) -> tuple[Run, Callable[[], None]]:
    arrange, options = STANDSTILLS[phase]
    let_go = arrange(world)
    run = await world.relocate(target=world.b, options=options)
    await run.in_phase(phase)
    await run.settled()
    return run, let_go


@pytest.mark.parametrize("phase", list(STANDSTILLS))
async def test_a_cancel_undoes_everything(world: World, phase: Phase) -> None:
    """Cancelled in any phase before the point of no return, users are on A, and B is as it was."""
    run, let_go = await _stand_still(world, phase)
    await run.cancel()
    let_go()
    view = await run.ended()
    assert (view.outcome, view.point_of_no_return) == (Outcome.CANCELLED, False), view.sentence
    assert view.sentence == "Cancelled by operator: the story says so."
    assert "Cancelled by operator" in run.notes
    await world.assert_serves_only_from(world.a)


@pytest.mark.parametrize(
    ("world", "phase"),
    [("cached", Phase.DEPLOY), ("cached", Phase.DRAIN), ("forgetful", Phase.SWITCH)],
    indirect=["world"],
)
async def test_temporals_own_cancel_undoes_everything(world: World, phase: Phase) -> None:
    """`temporal workflow cancel` ends as cancelled in Temporal too, after the undo."""
    run, let_go = await _stand_still(world, phase)
    await run.handle.cancel()
    let_go()
    view = await run.ended()
    assert (view.outcome, view.sentence) == (Outcome.CANCELLED, "Cancelled by Temporal: the workflow was cancelled.")
    assert (await run.handle.describe()).status is WorkflowExecutionStatus.CANCELED
    with pytest.raises(WorkflowFailureError):
        await run.handle.result()
    await world.assert_serves_only_from(world.a)


async def test_a_second_cancel_does_not_cut_the_undo_short(world: World) -> None:
    """While everything is undone on request, Temporal's own cancel changes nothing but how the run ends in Temporal."""
    run, let_go = await _stand_still(world, Phase.READY)
    world.before_write(world.gives(world.a, 100), lambda: world.gateway.silent.add("edge-2"))
    await run.cancel()
    let_go()
    await run.until(lambda _: "edge-2" in world.gateway.silent)
    await run.handle.cancel()
    await run.handled_cancel()
    world.nothing_before_writes()
    world.gateway.silent.clear()
    world.gateway.heal("edge-2")
    assert (await run.ended()).outcome is Outcome.CANCELLED
    await world.assert_serves_only_from(world.a)


async def _by_signal(run: Run) -> None:
    await run.cancel()


async def _by_temporal(run: Run) -> None:
    await run.handle.cancel()


@pytest.mark.parametrize("cancel", [_by_signal, _by_temporal])
async def test_after_the_point_of_no_return_a_cancel_is_too_late(
    world: World, cancel: Callable[[Run], Awaitable[None]]
) -> None:
    """While A is being removed there is only forward: the cancel stands in the record, and the move completes."""
    world.cluster(world.a).faults.remove_hangs = True
    run = await world.relocate(target=world.b)
    await run.until(lambda view: view.point_of_no_return)
    await cancel(run)
    world.cluster(world.a).instances.clear()
    assert (await run.ended()).outcome is Outcome.COMPLETED
    assert "too late" in run.notes
    assert (await run.handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    await world.assert_serves_only_from(world.b)


async def test_a_cancel_after_the_end_is_refused(world: World) -> None:
    """There is nothing to undo any more; the answer says so, and nothing changes."""
    run = await world.relocate(target=world.b)
    ended = await run.ended()
    with pytest.raises(NotRunning, match=f"{run.id} has ended: completed"):
        await run.cancel()
    with pytest.raises(NotRunning, match=f"{run.id} has ended: completed"):
        await run.command("hold")
    assert run.view == ended
    await world.assert_serves_only_from(world.b)
