# SPDX-License-Identifier: Apache-2.0
"""When the target runs, and something about it forbids the switch: it is too small, out of reach, or without the state."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from pathlib import Path

from relocate.demo import site
from relocate.demo.certificates import issue
from relocate.demo.system import System
from relocate.model.application import Application
from relocate.model.relocation import Phase, Status
from tests.drills.absence import hanging
from tests.drills.move import step
from tests.drills.scene import A, B, Scene, application
from tests.drills.waiting import eventually

Stage = Callable[..., Awaitable[Scene]]


async def test_when_b_can_serve_less_than_a_it_gets_no_traffic(stage: Stage) -> None:
    """B passes every check, and is smaller than what serves now: users stay on A, and B is removed."""
    scene = await stage()
    await scene.system.describe(with_capacity(scene.name, 100))
    await scene.never_switched(await scene.move(), "mec-b can serve 100, the source serves 200")


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
    await scene.completed(move)
    (await scene.losses()).none()


async def test_when_the_gateways_cannot_reach_b_it_gets_no_traffic(stage: Stage) -> None:
    """B answers whoever asks it directly, and no gateway: users stay on A, and B is removed."""
    scene = await stage()
    await scene.system.describe(odd(scene.name, "shy", asked=("http",)))
    await scene.never_switched(await scene.move(), "http via edge-1: answered 503, expected 200-299 (and 1 more of 3")


async def test_when_a_port_of_b_leads_to_nothing_it_gets_no_traffic(stage: Stage) -> None:
    """Its HTTP answers, and where it should speak gRPC there is something else: gateways would take such a route."""
    scene = await stage()
    await scene.system.describe(odd(scene.name, asked=("http", "grpc")))
    await scene.never_switched(await scene.move(), "grpc direct: UNAVAILABLE")


async def test_when_a_gateway_s_certificate_is_not_to_be_trusted_nobody_is_switched_until_it_is(
    stage: Stage, system: System, tmp_path: Path
) -> None:
    """What is asked as users ask is refused as theirs would be: nothing can be proven, and an operator is asked."""
    scene = await stage()
    await system.describe_gateway(
        site.gateway(system.ports, replace(system.certificates, ca=issue(tmp_path, ["other.test"]).ca))
    )
    try:
        move = await scene.move()
        view = await move.asks(75)
    finally:
        await system.describe_gateway(site.gateway(system.ports, system.certificates))
    assert "certificate not accepted" in view.sentence
    assert step(view, Phase.SWITCH).state == "pending"
    await move.decide("retry")
    await scene.went_back(move)
    (await scene.losses()).none()


async def test_when_the_state_cannot_be_brought_to_b_nobody_is_switched(stage: Stage) -> None:
    """A hook of the application says no after B has passed every check: A resumes and keeps its users."""
    scene = await stage()
    await scene.describe(transfer={"final_sync": "/nowhere", "resume": "/whoami"})
    move = await scene.move()
    view = await scene.went_back(move)
    assert "hook /nowhere of mec-a answered 404" in view.sentence
    assert step(view, Phase.READY).state == "done"
    assert step(view, Phase.TRANSFER).state == "undone"
    assert step(view, Phase.SWITCH).state == "skipped"
    assert "hook /whoami of mec-a answered 200" in [one.claim.sentence for one in scene.evidence(move)]
    (await scene.losses()).none()


def odd(name: str, *how: str, asked: Collection[str]) -> Application:
    """The drill's application, whose next instance is another one (`odd_app`) under its description.

    Args: name: its; how: what `odd_app` is told; asked: kinds of the probes that its gate has.
    """
    described = application(name, ready_deadline=2)
    command = ["{python}", str(Path(__file__).with_name("odd_app.py")), "{port:http}", "{port:grpc}", *how]
    workload = {**described.workloads["process"], "command": command}
    probes = [probe for probe in described.readiness.probes if probe.kind in asked]
    gate = described.readiness.model_copy(update={"probes": tuple(probes)})
    return described.model_copy(update={"workloads": {"process": workload}, "readiness": gate})


def with_capacity(name: str, capacity: int) -> Application:
    """The drill's application, whose next instance says that it can serve so much."""
    described = application(name)
    workload = {**described.workloads["process"], "capacity": capacity}
    return described.model_copy(update={"workloads": {**described.workloads, "process": workload}})
