# SPDX-License-Identifier: Apache-2.0
"""When little or nothing can be seen of the users: nobody asks, or the gateways' counters cannot be read."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

from relocate.demo import site
from relocate.demo.system import System
from relocate.model.cluster import Gateway
from relocate.model.relocation import Outcome, Phase, Status
from steering.model import Rung
from tests.drills.move import step
from tests.drills.scene import A, Scene

Stage = Callable[..., Awaitable[Scene]]


@pytest_asyncio.fixture(loop_scope="session")
async def uncounted(system: System) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The counters of edge-2 cannot be read, for nobody says where; what is given says so again."""
    known = site.gateway(system.ports, system.certificates)
    first, second = known.settings["instances"]
    blind = {**known.settings, "instances": [first, {**second, "admin": None}]}
    await configure(system, known.model_copy(update={"settings": blind}))

    async def heal() -> None:
        await configure(system, known)

    yield heal
    await heal()


async def test_when_nobody_uses_the_application_the_prober_s_own_requests_judge_the_target(stage: Stage) -> None:
    """An idle application is moved on the strength of what the service itself has sent and seen."""
    scene = await stage(through=[])
    move = await scene.move()
    await scene.completed(move)
    (judged,) = [
        entry.claim
        for entry in scene.evidence(move)
        if entry.claim.rung == Rung.WATCHED and entry.claim.phase is Phase.BAKE
    ]
    assert judged.holds
    assert judged.basis == "sampled"


async def test_when_the_counters_of_a_gateway_instance_cannot_be_read_a_is_not_taken_for_unused(
    stage: Stage, uncounted: Callable[[], Awaitable[None]]
) -> None:
    """Unknown is not zero: the drain holds, and when the counters can be read again a person lets it go back."""
    scene = await stage(drain={"window_seconds": 0.4, "deadline_seconds": 2, "at_deadline": "hold"})
    move = await scene.move()
    view = await move.until(lambda view: view.status is Status.HELD, "held")
    assert "unknown is not zero" in view.sentence
    assert "edge-2" in view.sentence
    assert step(view, Phase.DRAIN).state == "running"
    assert [one.state for one in await scene.system.instances(A, scene.name)] == ["running"]
    await uncounted()
    assert (await move.command("cancel")).status_code == 202
    await scene.went_back(move, Outcome.CANCELLED)
    (await scene.losses()).none()


async def configure(system: System, gateway: Gateway) -> None:
    """Replace the gateway's configuration."""
    async with system.client() as client:
        answer = await client.put(f"/v1/gateways/{gateway.name}", json=gateway.model_dump(mode="json"))
        answer.raise_for_status()
