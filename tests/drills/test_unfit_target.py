# SPDX-License-Identifier: Apache-2.0
"""When the target runs, and something about it forbids the switch: it is too small, out of reach, or without the state."""

from collections.abc import Awaitable, Callable

from relocate.demo.system import System
from relocate.model.application import Application
from relocate.model.relocation import Outcome, Phase, Status
from tests.drills.absence import hanging
from tests.drills.move import step
from tests.drills.scene import A, B, Scene, application
from tests.drills.waiting import eventually

Stage = Callable[..., Awaitable[Scene]]


async def test_when_b_can_serve_less_than_a_it_gets_no_traffic(stage: Stage) -> None:
    """B passes every check, and is smaller than what serves now: users stay on A, and B is removed."""
    scene = await stage()
    await scene.system.describe(with_capacity(scene.name, 100))
    move = await scene.move()
    view = await move.ends()
    assert view.outcome is Outcome.ROLLED_BACK
    assert "mec-b can serve 100, the source serves 200" in view.sentence
    assert step(view, Phase.SWITCH).state == "skipped"
    await scene.serves_from(A, not_from=B)
    scene.recorded_whole(move)
    (await scene.losses()).none()


async def test_when_b_s_cluster_cannot_be_asked_after_the_deploy_nothing_goes_on_until_it_can(
    stage: Stage, system: System
) -> None:
    """Unknown is neither running nor failed: users are served by A meanwhile, and the relocation goes on afterwards."""
    scene = await stage()
    await scene.describe(start_seconds=2)
    move = await scene.move()

    async def deployed() -> bool:
        return bool(await system.instances(B, scene.name))

    await eventually(deployed, "deployed")
    with hanging(system.processes.named(B).process.pid):
        await scene.calm(4)
        view = await move.view()
        assert (view.status, view.phase) == (Status.RUNNING, Phase.DEPLOY)
        assert await scene.answers() == {A}
    view = await move.ends()
    assert view.outcome is Outcome.COMPLETED, view.sentence
    await scene.serves_from(B, not_from=A)
    scene.recorded_whole(move)
    (await scene.losses()).none()


async def test_when_the_state_cannot_be_brought_to_b_nobody_is_switched(stage: Stage) -> None:
    """A hook of the application says no after B has passed every check: A resumes and keeps its users."""
    scene = await stage()
    await scene.describe(transfer={"final_sync": "/nowhere", "resume": "/whoami"})
    move = await scene.move()
    view = await move.ends()
    assert view.outcome is Outcome.ROLLED_BACK
    assert "hook /nowhere of mec-a answered 404" in view.sentence
    assert step(view, Phase.READY).state == "done"
    assert step(view, Phase.TRANSFER).state == "undone"
    assert step(view, Phase.SWITCH).state == "skipped"
    assert "hook /whoami of mec-a answered 200" in [one.claim.sentence for one in scene.evidence(move)]
    await scene.serves_from(A, not_from=B)
    scene.recorded_whole(move)
    (await scene.losses()).none()


def with_capacity(name: str, capacity: int) -> Application:
    """The drill's application, whose next instance says that it can serve so much."""
    described = application(name)
    workload = {**described.workloads["process"], "capacity": capacity}
    return described.model_copy(update={"workloads": {**described.workloads, "process": workload}})
