# SPDX-License-Identifier: Apache-2.0
"""What can be let fail on the stage: when, how, and what is said about it. Each strikes once, in the first move of ours."""

import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from relocate.demo import site
from relocate.demo.system import System
from relocate.errors import InvalidRequest
from relocate.model.relocation import Outcome, Phase, Status, View

HALF_WAY = {"steps": [50, 100], "hold_seconds": 4}
"""A switch that has a middle."""

WHOLE = 100
"""Percent."""

Strike = Callable[[System, View], Awaitable[str]]
"""Lets it happen; what happened, in a sentence."""


@dataclass(frozen=True)
class Fault:
    """One failure of the field."""

    name: str
    sentence: str
    """What will happen, for who chooses it."""
    strike: Strike | None = None
    """None: it lies in what is started, and strikes by itself."""
    due: Callable[[View], bool] = lambda _: False
    """Whether the moment has come."""
    linger_seconds: float = 0.0
    """From the moment to the strike."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """How the move differs from the application's policy, so that there is such a moment."""
    arguments: tuple[str, ...] = ()
    """What the sample application is told besides, for this move alone."""
    envoy: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What gateway instances are told besides, by instance."""
    outcome: Outcome = Outcome.ROLLED_BACK
    """How a move ends that meets it."""
    passes: bool = True
    """Whether it makes sense to ask for the move again afterwards."""


async def kill_target(system: System, view: View) -> str:
    """SIGKILL to the instance on the target."""
    target = view.target or ""
    for one in await system.instances(target, view.application):
        if one.pid is not None:
            os.kill(one.pid, signal.SIGKILL)
            return f"{view.application} on {target} was killed (SIGKILL)"
    return f"{view.application} on {target} had ended before it could be killed"


async def kill_worker(system: System, view: View) -> str:
    """SIGKILL to the worker; another one is started, as Kubernetes would."""
    await system.processes.kill("worker")
    await system.start_worker()
    return f"the worker was killed (SIGKILL) in {view.phase}; another one starts"


async def cancel(system: System, view: View) -> str:
    """Cancel the relocation."""
    async with system.client() as client:
        answer = await client.post(f"/v1/relocations/{view.id}/cancel", json={"why": "--fault cancel"})
        answer.raise_for_status()
    return f"the relocation was cancelled in {view.phase}"


def in_phase(*phases: Phase) -> Callable[[View], bool]:
    """Whether it goes forward in one of these phases."""
    return lambda view: view.status is Status.RUNNING and view.phase in phases and not view.point_of_no_return


def half_way(view: View) -> bool:
    """Whether the target has some of the weight, and not all."""
    return in_phase(Phase.SWITCH)(view) and 0 < _weight(view) < WHOLE


def carries(view: View) -> bool:
    """Whether the target has traffic, and the source is still whole."""
    return in_phase(Phase.SWITCH, Phase.BAKE, Phase.DRAIN)(view) and _weight(view) > 0


def _weight(view: View) -> int:
    return view.weights.get(view.target or "", 0)


B_DIES = Fault(
    "b-dies-in-switch",
    "the instance on the target is killed when it has half of the traffic",
    kill_target,
    half_way,
    linger_seconds=1.5,
    options=HALF_WAY,
)

BY_KEY = replace(B_DIES, name="key", due=carries, linger_seconds=0.5)
"""The same at any moment: in the middle of a switch that is still to come, or as soon as the target has traffic."""

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            "b-never-ready",
            "the instance on the target warms up for ever",
            arguments=("--never-ready",),
            options={"ready_deadline_seconds": 4},
        ),
        B_DIES,
        Fault(
            "gateway-rejects",
            f"{site.INSTANCES[-1]} is a build of Envoy that refuses the clusters on which fail-over stands",
            envoy={site.INSTANCES[-1]: site.LESSER_ENVOY},
            passes=False,
        ),
        Fault(
            "cancel",
            "the relocation is cancelled in bake",
            cancel,
            in_phase(Phase.BAKE),
            outcome=Outcome.CANCELLED,
        ),
        Fault(
            "worker-killed-in-switch",
            "the worker is killed when the target has half of the traffic",
            kill_worker,
            half_way,
            options=HALF_WAY,
            outcome=Outcome.COMPLETED,
        ),
        Fault(
            "worker-killed-in-drain",
            "the worker is killed while the source drains",
            kill_worker,
            in_phase(Phase.DRAIN),
            outcome=Outcome.COMPLETED,
        ),
    )
}
"""By name."""


def named(name: str) -> Fault:
    """The fault called `name`.

    Raises:
        InvalidRequest: there is none; the text lists those there are.
    """
    if name in FAULTS:
        return FAULTS[name]
    known = "\n".join(f"  {fault.name}: {fault.sentence}" for fault in FAULTS.values())
    raise InvalidRequest(f"--fault: nothing is called {name}; there are\n{known}", field="fault")
