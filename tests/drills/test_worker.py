# SPDX-License-Identifier: Apache-2.0
"""When the worker is killed: Temporal keeps the relocation, another worker goes on with it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from relocate.demo.system import System
from relocate.model.relocation import Outcome, Phase
from tests.drills.scene import A, B, Scene

Stage = Callable[..., Awaitable[Scene]]

POLICIES: dict[Phase, dict[str, Any]] = {
    Phase.SWITCH: {"steps": [50, 100], "hold_seconds": 2},
    Phase.DRAIN: {"drain": {"window_seconds": 2, "deadline_seconds": 30, "at_deadline": "hold"}},
}
"""Long enough to be hit, short enough to be done again by another worker."""


@pytest.mark.parametrize("phase", POLICIES)
async def test_when_the_worker_is_killed_another_one_completes_the_relocation(
    stage: Stage, system: System, phase: Phase
) -> None:
    """SIGKILL in the middle of this phase: traffic does not notice, and the relocation completes."""
    scene = await stage(**POLICIES[phase])
    move = await scene.move()
    await move.reaches(phase)
    if phase is Phase.SWITCH:
        await move.until(lambda view: view.weights == {A: 50, B: 50}, "half way")
    await system.processes.kill("worker")
    killed_in = await move.view()
    assert killed_in.phase is phase
    await system.start_worker()
    view = await move.ends()
    assert view.outcome is Outcome.COMPLETED, view.sentence
    await scene.serves_from(B, not_from=A)
    scene.recorded_whole(move)
    (await scene.losses()).none()
