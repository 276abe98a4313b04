# SPDX-License-Identifier: Apache-2.0
"""When a stream does not end by itself, under each policy for the end of the drain."""

from collections.abc import Awaitable, Callable

from relocate.demo.traffic.plan import STREAMS
from relocate.model.relocation import Phase, Status
from steering.model import Rung
from tests.drills.move import Move
from tests.drills.scene import FLOWS, A, Scene

Stage = Callable[..., Awaitable[Scene]]

DEADLINE = 1.0
OPEN = 4
"""A gRPC stream and a WebSocket through each of two gateway instances."""
DAY = 86_400.0


async def test_when_the_policy_is_wait_a_stays_as_long_as_a_stream_lasts(stage: Stage) -> None:
    """Long after the deadline the streams end, and only then A; nothing is lost, nothing is cut."""
    scene, move = await draining(stage, "wait", life_seconds=15)
    await scene.calm(3 * DEADLINE)
    view = await move.view()
    assert (view.status, view.phase) == (Status.RUNNING, Phase.DRAIN)
    assert [one.state for one in await scene.system.instances(A, scene.name)] == ["running"]
    view = await scene.completed(move)
    assert view.cut == 0
    (await scene.losses()).none()


async def test_when_the_policy_is_hold_an_operator_decides_whether_streams_are_cut(stage: Stage) -> None:
    """At the deadline it asks and waits; `proceed` cuts what is left, counted and on record with who allowed it."""
    scene, move = await draining(stage, "hold", life_seconds=DAY)
    view = await move.until(lambda view: view.status is Status.HELD, "held")
    assert f"{OPEN} requests and streams are still open" in view.sentence
    assert "proceed cuts" in view.next_step
    await scene.calm(DEADLINE)
    assert (await move.view()).status is Status.HELD
    assert (await move.command("proceed")).status_code == 200
    await cut(scene, move, "allowed the cut: drill")


async def test_when_the_policy_is_force_streams_are_cut_at_the_deadline(stage: Stage) -> None:
    """Nobody is asked: what is left is cut, counted, and on record as waived by the policy."""
    scene, move = await draining(stage, "force", life_seconds=DAY)
    await cut(scene, move, "the policy waives it (force)")


async def draining(stage: Stage, at_deadline: str, *, life_seconds: float) -> tuple[Scene, Move]:
    """A relocation in drain, with streams on A that live for so long."""
    flows = [
        flow.model_copy(update={"life_seconds": life_seconds} if flow.protocol in STREAMS else {}) for flow in FLOWS
    ]
    drain = {"window_seconds": 0.4, "deadline_seconds": DEADLINE, "at_deadline": at_deadline}
    scene = await stage(flows, drain=drain)
    move = await scene.move()
    await move.reaches(Phase.DRAIN)
    return scene, move


async def cut(scene: Scene, move: Move, allowed: str) -> None:
    """Just the streams were cut, and the record says how many, and on whose word."""
    view = await scene.completed(move)
    assert view.cut == OPEN
    claims = [entry.claim for entry in scene.evidence(move)]
    assert [claim.detail["cut"] for claim in claims if claim.rung == Rung.DRAINED and "cut" in claim.detail] == [OPEN]
    assert any(claim.rung == "note" and allowed in claim.sentence for claim in claims)
    losses = await scene.losses()
    losses.bounded(most=OPEN)
    assert 0 < losses.all.cut <= OPEN
