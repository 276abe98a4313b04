# SPDX-License-Identifier: Apache-2.0
"""The moments in which a relocation can be hit, each made long by something that happens in the field."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from relocate.model.relocation import Phase, View
from tests.drills.absence import hanging
from tests.drills.move import Move, step
from tests.drills.scene import A, B, Scene, held_before

LINGER_SECONDS = 0.3
"""From a moment's begin to its middle."""

WINDOW_SECONDS = 4.0
"""Longest window of a drain: the way back waits for one as well."""


@dataclass(frozen=True)
class Moment:
    """A phase that surely is still running when something happens to it."""

    name: str
    phase: Phase
    sentence: str
    """What makes it long."""
    described: Callable[[float], Mapping[str, Any]] | None = None
    """How the application differs, so that the phase takes at least so many seconds."""
    hangs: str = ""
    """Process that does not answer until the moment is over."""
    held: bool = False
    """Whether the relocation is held before the phase until the process hangs; else that hangs from the start."""
    past_return: bool = False

    @asynccontextmanager
    async def of(self, scene: Scene, *, seconds: float) -> AsyncIterator[Move]:
        """A relocation in the middle of this moment, which lasts so many seconds, or while the block runs."""
        if self.described is not None:
            await scene.describe(**self.described(seconds))
            move = await scene.move()
            await self._reached(scene, move)
            yield move
        elif not self.held:
            with hanging(scene.system.processes.named(self.hangs).process.pid):
                move = await scene.move()
                await self._reached(scene, move)
                yield move
        else:
            async with held_before(scene, self.phase) as move:
                with hanging(scene.system.processes.named(self.hangs).process.pid):
                    await move.command("proceed")
                    await self._reached(scene, move)
                    yield move

    async def _reached(self, scene: Scene, move: Move) -> None:
        await move.until(self._begun, f"in {self.name}")
        await scene.calm(LINGER_SECONDS)
        view = await move.view()
        assert view.phase is self.phase
        assert step(view, self.phase).state == "running"
        assert view.point_of_no_return is self.past_return

    def _begun(self, view: View) -> bool:
        return step(view, self.phase).state == "running" and view.point_of_no_return is self.past_return


MOMENTS = (
    Moment("select", Phase.SELECT, "a candidate's cluster does not answer", hangs=B),
    Moment("deploy", Phase.DEPLOY, "a slow start", lambda seconds: {"start_seconds": seconds}),
    Moment(
        "prepare",
        Phase.PREPARE,
        "the gateways' control plane does not answer",
        hangs="gateway-control",
        held=True,
    ),
    Moment("ready", Phase.READY, "a long warm-up", lambda seconds: {"arguments": ["--warm-up", str(seconds)]}),
    Moment(
        "transfer",
        Phase.TRANSFER,
        "a long copy",
        lambda seconds: {
            "transfer": {"pre_copy": f"/work?ms={seconds * 1000:.0f}", "final_sync": "/whoami", "resume": "/whoami"}
        },
    ),
    Moment(
        "switch",
        Phase.SWITCH,
        "a step that is held",
        lambda seconds: {"steps": [50, 100], "hold_seconds": seconds},
    ),
    Moment("bake", Phase.BAKE, "a long policy", lambda seconds: {"bake_seconds": seconds}),
    Moment(
        "drain",
        Phase.DRAIN,
        "a long window",
        lambda seconds: {
            "drain": {"window_seconds": min(seconds, WINDOW_SECONDS), "deadline_seconds": 600, "at_deadline": "hold"}
        },
    ),
    Moment(
        "teardown",
        Phase.TEARDOWN,
        "the gateways' control plane does not answer, so that they do not forget A",
        hangs="gateway-control",
        held=True,
    ),
    Moment(
        "teardown, past the point of no return",
        Phase.TEARDOWN,
        "A's cluster does not answer, so that A is not removed",
        hangs=A,
        held=True,
        past_return=True,
    ),
)
