# SPDX-License-Identifier: Apache-2.0
"""What must hold in every state, judged by what is true and not by what the workflow believes.

What must hold of a single write or removal is judged where it is done (`tests.modelcheck.world`).
"""

from typing import TYPE_CHECKING

from relocate.model.relocation import Outcome, Phase, Status
from tests.modelcheck.broken import Broken
from tests.modelcheck.runtime import Pending
from tests.modelcheck.world import STRANGER, Gateway, World, is_theirs

if TYPE_CHECKING:
    from tests.modelcheck.machine import Machine

_PHASES = list(Phase)


def check(machine: "Machine") -> None:
    """Whether every invariant holds.

    Raises:
        Broken: one does not; it says which.
    """
    if machine.untroubled and machine.world.provable:
        _completes(machine)
    _refused(machine.world)
    _served(machine.world)
    if machine.main.done():
        _ended(machine)
    else:
        _running(machine)


def begins(machine: "Machine", asked: Pending) -> None:
    """Whether the workflow may ask for an activity now. Raises `Broken`."""
    if asked.name == "remove":
        machine.world.watch_order(asked.order.cluster, asked.order.instance)
    phase = asked.order.phase
    going_back = machine.status in (Status.UNDOING, Status.NEEDS_OPERATOR) or machine.cancelled
    if machine.held_in is not None and not going_back and _PHASES.index(phase) > machine.held_in:
        raise Broken("hold", f"{asked.name} of {phase} began although the run is held")


def _completes(machine: "Machine") -> None:
    """When nothing was out of the ordinary, nobody is asked, and the move completes."""
    ended_otherwise = machine.main.done() and machine.outcome is not Outcome.COMPLETED
    if ended_otherwise or machine.status not in (Status.ACCEPTED, Status.RUNNING, Status.FINISHED):
        raise Broken("completes", f"nothing was out of the ordinary, and it is {machine.status}: {machine.says}")


def _refused(world: World) -> None:
    """Where nothing could be proven, and the policy wants it proven, nothing is begun."""
    if not world.provable and world.true_made:
        raise Broken("unprovable", "an instance was made although no gateway can prove where requests go")


def _served(world: World) -> None:
    """No user is sent to an instance that the service has removed."""
    if not world.true_removed:
        return
    for gateway in world.gateways:
        for name, document in gateway.serving(world.route.name).items():
            for side, weight in document.weights.items():
                backend = document.backend(side)
                gone = backend is not None and (side, backend.instance) in world.true_removed
                if weight and gone and not is_theirs(document.epoch):
                    raise Broken("removed-under-users", f"{name} sends users to {side}, which was removed")


def _running(machine: "Machine") -> None:
    world = machine.world
    if machine.status is not Status.FINISHED and world.holder != f"r-{machine.run_number}":
        raise Broken("one-lease", "the run goes on without its lease")
    if machine.attempt is None and machine.recording is None and not machine.waits_for_people:
        raise Broken("liveness", "nothing goes on, and nobody is asked")


def _ended(machine: "Machine") -> None:
    world = machine.world
    try:
        outcome = machine.outcome
    except Exception as error:
        raise Broken("ends-well", f"the run failed: {type(error).__name__}: {error}") from error
    if machine.loop.pending:
        raise Broken("left-tidy", f"the run has ended, and {[one.name for one in machine.loop.pending]} goes on")
    if machine.late:
        return
    if world.holder is not None:
        raise Broken("one-lease", "the run has ended and holds its lease")
    if machine.cancelled and not machine.too_late and outcome is Outcome.COMPLETED and world.true_settled is None:
        raise Broken("cancel", "it was cancelled before the point of no return, and completed")
    if not world.abandoned:
        _left_tidy(world, outcome)


def _left_tidy(world: World, outcome: Outcome | None) -> None:
    """Exactly one side serves, and nothing of ours is left over."""
    if [health for (_, name), health in world.instances.items() if name == STRANGER] != ["healthy"] * world.strangers:
        raise Broken("not-ours", "somebody else's instance was touched")
    kept = world.true_target if outcome is Outcome.COMPLETED else world.true_source
    if kept in world.true_removed:
        raise Broken("left-tidy", f"it ended {outcome}, and {kept} is gone")
    left = {world.true_source, *world.true_made} - {kept}
    if left & world.instances.keys():
        raise Broken("left-tidy", f"it ended {outcome}, and {sorted(left & world.instances.keys())} is left over")
    if {name: placed.active for name, placed in world.placements.items()} != {kept[0]: True}:
        raise Broken("left-tidy", f"it ended {outcome}, and the placements on record are {world.placements}")
    for gateway in world.gateways:
        _routes_to(world, gateway, kept)
    if world.frozen and kept == world.true_source:
        raise Broken("left-tidy", f"it ended {outcome}, and the source is still frozen")


def _routes_to(world: World, gateway: Gateway, kept: tuple[str, str]) -> None:
    row = gateway.row(world.route.name)
    document = row.document if row else None
    if document is None or is_theirs(document.epoch):
        return
    backends = {(one.name, one.instance) for one in document.backends}
    if backends != {kept} or document.probe_paths:
        raise Broken("left-tidy", f"{gateway.name} should know {kept} only, and knows {backends}")
