# SPDX-License-Identifier: Apache-2.0
"""When the source fails, alone or together with the target."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from relocate.model.relocation import Phase, View
from tests.drills.move import Move, step
from tests.drills.scene import LONG_SECONDS, ON_STREAMS, A, B, Scene

Stage = Callable[..., Awaitable[Scene]]

LATE: dict[Phase, dict[str, Any]] = {
    Phase.DEPLOY: {"start_seconds": 2, "arguments": ["--warm-up", "1"]},
    Phase.READY: {"arguments": ["--warm-up", "2"]},
}
"""What makes B come late, so that A surely dies before it."""

ON: dict[Phase, dict[str, Any]] = {
    Phase.SWITCH: {"steps": [50, 100], "hold_seconds": 3},
    Phase.BAKE: {"bake_seconds": 3},
}
"""What makes B have some, or all of the traffic for a while."""

IN_FLIGHT_NS = 300_000_000
"""A request was due at most so long before A's death cut it."""


@pytest.mark.parametrize("phase", LATE)
async def test_when_a_dies_before_the_switch_users_go_to_b_as_soon_as_it_is_proven(stage: Stage, phase: Phase) -> None:
    """A had all the weight: what is lost lies between its death and the switch, and nothing is lost after it."""
    scene = await stage()
    await scene.describe(**LATE[phase])
    move = await scene.move()
    await move.reaches(phase)
    await scene.calm(1.2)
    died_ns = await scene.kill(A) - IN_FLIGHT_NS
    view = await scene.completed(move)
    (await scene.losses()).between(died_ns, ended_ns(view, Phase.SWITCH))


@pytest.mark.parametrize("phase", ON)
async def test_when_a_dies_while_b_serves_users_stay_on_b_and_the_move_completes(stage: Stage, phase: Phase) -> None:
    """The gateways send what was A's to B at once; only messages in flight on streams of A are lost."""
    scene = await stage(**ON[phase])
    move = await scene.move()
    await move.until(lambda view: view.weights.get(B, 0) > 0, "on B")
    await move.reaches(phase)
    await scene.calm(1)
    await scene.kill(A)
    await scene.completed(move)
    (await scene.losses()).bounded(most=ON_STREAMS)


async def test_when_a_and_b_both_die_nothing_moves_until_an_operator_says_where(stage: Stage, tmp_path: Path) -> None:
    """Both are kept, with the weights as they are; A comes back, and `retry` leads home."""
    scene, move = await both_dead(stage, tmp_path)
    (tmp_path / A).unlink()
    await scene.serves_again()
    await move.decide("retry")
    await scene.went_back(move)


async def test_when_both_died_and_b_comes_back_an_operator_settles_there(stage: Stage, tmp_path: Path) -> None:
    """`settle` on A is refused as long as A is dead, and done for B."""
    scene, move = await both_dead(stage, tmp_path)
    (tmp_path / B).unlink()
    await scene.serves_again()
    await move.decide("settle", cluster=A)
    await move.says("settling on mec-a was refused")
    await move.asks()
    await move.decide("settle", cluster=B)
    await scene.completed(move)


async def both_dead(stage: Stage, outage: Path) -> tuple[Scene, Move]:
    """A relocation in bake, both of whose sides have been killed, and cannot come back yet."""
    scene = await stage(outage=outage, bake_seconds=LONG_SECONDS)
    move = await scene.move()
    await move.reaches(Phase.BAKE)
    for cluster in (A, B):
        (outage / cluster).touch()
    await asyncio.gather(scene.kill(A), scene.kill(B))
    view = await move.asks()
    assert "neither side is healthy" in view.sentence
    assert all(word in view.next_step for word in ("retry", "settle", "abandon"))
    assert (await scene.document()).weights == {A: 0, B: 100}
    assert [len(await scene.system.instances(cluster, scene.name)) for cluster in (A, B)] == [1, 1]
    return scene, move


def ended_ns(view: View, phase: Phase) -> int:
    """When a phase ended, in nanoseconds since 1970."""
    ended = step(view, phase).finished_at
    assert ended is not None
    return round(ended.timestamp() * 1e9)
