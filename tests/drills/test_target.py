# SPDX-License-Identifier: Apache-2.0
"""When the target fails."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from relocate.demo.traffic.plan import Flow
from relocate.evidence.samples import AskedGate
from relocate.model.relocation import Phase
from tests.drills.move import Move
from tests.drills.scene import FLOWS, LONG_SECONDS, ON_STREAMS, A, B, Scene

Stage = Callable[..., Awaitable[Scene]]

HALF_WAY = {"steps": [50, 100], "hold_seconds": LONG_SECONDS}
SICK_SHARE = 0.1
SICK = 40
"""Answers that B, which errs in a tenth of them, gives wrong until it is judged, at most: five seconds' worth."""
IMPATIENT = tuple(flow.model_copy(update={"connections": 32}) for flow in FLOWS)
"""No request waits in its client for a connection on which another one hangs: that would be the client's loss."""
ERRORS = ("status 500", "INTERNAL: a drill asked for this error", "handshake answered with status 500")

HANGING = 80
"""Messages that streams of a hanging instance owe until their time-out of 2 s, at 20 a second, at most."""


async def test_when_b_never_becomes_ready_users_stay_on_a_and_b_is_removed(stage: Stage) -> None:
    """The gate ends at its deadline; nothing was lost, as B never had weight."""
    scene = await stage()
    await scene.describe(arguments=["--never-ready"], ready_deadline=1.5)
    await scene.never_switched(await scene.move(), "mec-b: not ready")


async def test_when_b_becomes_ready_and_flaps_it_gets_no_traffic(stage: Stage) -> None:
    """It is ready again and again, and never for as long as the gate wants; nothing was lost."""
    scene = await stage()
    await scene.describe(arguments=["--flap", "1.5"], ready_deadline=9, stable_seconds=3)
    move = await scene.move()
    await move.ends()
    gates = [one.claim.detail for one in scene.evidence(move) if one.claim.detail.get("rule") == "gate"]
    rounds = [all(verdict.ready for verdict in one.said.values()) for one in AskedGate.model_validate(gates[0]).rounds]
    assert sum(ready and not still for ready, still in pairwise(rounds)) >= 2
    await scene.never_switched(move, "mec-b: not ready")


@pytest.mark.parametrize("phase", [Phase.SWITCH, Phase.BAKE])
async def test_when_b_dies_users_go_back_to_a(stage: Stage, phase: Phase) -> None:
    """The gateways fall back at once, the service goes back; only messages in flight on streams of B are lost."""
    scene, move = await carried(stage, phase)
    await scene.kill(B)
    view = await scene.went_back(move)
    assert "mec-b" in view.sentence
    (await scene.losses()).bounded(most=ON_STREAMS)


async def test_when_b_hangs_in_bake_users_go_back_to_a(stage: Stage) -> None:
    """SIGSTOP: gateways ask A where a request may be sent twice; streams of B end with their clients' time-out."""
    scene, move = await carried(stage, Phase.BAKE, IMPATIENT)
    await scene.freeze(B)
    await scene.went_back(move)
    (await scene.losses()).bounded(most=HANGING)


@pytest.mark.parametrize("phase", [Phase.SWITCH, Phase.BAKE])
async def test_when_b_errs_in_a_tenth_of_its_answers_users_go_back_to_a(stage: Stage, phase: Phase) -> None:
    """It dies of nothing and passes its checks; what it answered wrong is what was lost."""
    scene, move = await carried(stage, phase)
    await scene.fault(B, error_share=SICK_SHARE)
    view = await scene.went_back(move)
    assert "mec-b failed" in view.sentence
    losses = await scene.losses()
    losses.bounded(most=SICK, safe=SICK)
    assert all(record.error in ERRORS for record in losses.failures())


async def carried(stage: Stage, phase: Phase, flows: Sequence[Flow] = FLOWS) -> tuple[Scene, Move]:
    """A relocation in whose switch B has half of the traffic, or in whose bake it has all; either lasts."""
    policy: dict[str, Any] = HALF_WAY if phase is Phase.SWITCH else {"bake_seconds": LONG_SECONDS}
    scene = await stage(flows, **policy)
    move = await scene.move()
    if phase is Phase.SWITCH:
        await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    await move.reaches(phase)
    await scene.calm(1)
    return scene, move
