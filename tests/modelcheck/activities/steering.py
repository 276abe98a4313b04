# SPDX-License-Identifier: Apache-2.0
"""Writing routes, and proving that they are live."""

from collections.abc import Sequence

from relocate.activities import orders, proving, steering
from relocate.activities.progress import Progress
from relocate.activities.ways import Stretch
from relocate.errors import Drifted, NotProven
from relocate.model.relocation import Phase
from relocate.phases import documents, proof
from steering.errors import Rejected
from steering.fencing import Current
from steering.model import RouteDocument
from tests.modelcheck import written
from tests.modelcheck.activities.proving import ask
from tests.modelcheck.activities.steps import Steps
from tests.modelcheck.broken import Broken
from tests.modelcheck.world import Gateway, World, is_theirs

LOOKS = 2
"""Looks at a write before its time is up; what does not come by then comes later than that."""


def steer(world: World, order: orders.SteerOrder) -> Steps:
    """See `relocate.activities.steering`."""
    world.claim_turn(order.fence)
    yield "read"
    epoch = documents.epoch_of(order.relocation, order.fence)
    stretches = [Stretch(world.route, gateway.name, gateway) for gateway in world.gateways]
    standing = [standing_at(world, gateway) for gateway in world.gateways]
    _check_drift(world, order, list(zip(stretches, standing, strict=True)))
    sides = [steering._sides(order, found) for found in standing]
    wanted = [written.document(world.route, one, epoch) for one in sides]
    moves = any(_moves(found.document, one, order) for found, one in zip(standing, wanted, strict=True))
    if moves and not order.seen:
        raise Broken("live-means-all", "weights are moved by a write that is only acknowledged")
    progress: list[Progress] = []
    for stretch, found, document in zip(stretches, standing, wanted, strict=True):
        version = found.version
        if not (found.document == document and found.fence == order.fence):
            yield f"apply to {stretch.gateway}"
            version = str(world.write(stretch.adapter, document, order.fence, int(found.version)))
        progress.append(Progress(stretch, version, 0.0, document))
    yield "look whether it is live"
    world.keep_claims()
    for look in range(LOOKS):
        if look:
            yield "look whether it is live, again"
        for one in progress:
            _prove(world, order, one, epoch, moves=moves)
        if all(one.live for one in progress):
            break
    else:
        raise NotProven("not live in time")
    _watch_live(progress, epoch)
    world.keep_claims()
    if order.phase is Phase.SWITCH:
        world.true_errors.clear()
    return steering._steered(order, progress)


class Standing:
    """A `RouteState` without its validation."""

    drift = None

    def __init__(self, row: Current) -> None:
        """Args: row: the route's."""
        self.document, self.version, self.fence = row.document, str(row.version), row.fence


def standing_at(world: World, gateway: Gateway) -> Standing:
    """The route as it stands at one gateway."""
    row = gateway.row(world.route.name)
    assert row is not None
    return Standing(row)


def _check_drift(world: World, order: orders.SteerOrder, standing: Sequence[tuple[Stretch, Standing]]) -> None:
    try:
        steering._check_drift(order, standing)
    except Drifted as drifted:
        world.shown |= {(key, version) for key, version in drifted.versions.items()}
        raise


def _moves(before: RouteDocument, after: RouteDocument, order: orders.SteerOrder) -> bool:
    """Whether users are sent elsewhere by a write. What stood before a repeated write, or theirs, is not known."""
    if before.epoch == after.epoch or is_theirs(before.epoch):
        return order.seen and order.healthy
    return _shares(before) != _shares(after)


def _shares(document: RouteDocument) -> dict[str, int]:
    return {side: weight for side, weight in document.weights.items() if weight}


def _prove(world: World, order: orders.SteerOrder, progress: Progress, epoch: str, *, moves: bool) -> None:
    gateway: Gateway = progress.stretch.adapter
    answers = gateway.stands(world.route.name, int(progress.version))
    unprovable = proof.is_waived(gateway.describe().rungs, unproven=order.unproven)
    for answer in answers:
        if unprovable or proof.why_not_acknowledged([answer]) is None:
            progress.acknowledged.setdefault(answer.instance, answer)
    waived = order.waived_instances
    progress.expected = proof.alive(answers, waived)
    if proof.is_rejected(answers, waived):
        raise Rejected(proof.why_not_acknowledged(answers, waived) or "rejected")
    for name in progress.acknowledged:
        if name not in progress.proven and name in progress.expected:
            _prove_instance(world, order, progress, name, epoch, moves=moves)


def _prove_instance(
    world: World, order: orders.SteerOrder, progress: Progress, name: str, epoch: str, *, moves: bool
) -> None:
    held = progress.stretch.adapter.holds(name, world.route.name)
    if order.seen or proof.is_waived(progress.stretch.adapter.describe().rungs, unproven=order.unproven):
        count = proving.answers_needed(progress.document.weights, order.probes)
        answers = ask(world, progress.stretch.adapter, name, count)
        fails = proof.is_failing(answers, epoch) and not (order.seen and order.healthy)
        if proof.why_not_seen(answers, epoch, progress.document.weights) is not None and not fails:
            return
    progress.proven[name] = 0.0
    if moves and (held is None or held.epoch != epoch):
        raise Broken("live-means-all", f"{name} was counted as live and routes by something else")
    if moves and any(world.seen_from(name, held, side) != "healthy" for side in _shares(held)):
        raise Broken("live-means-all", f"{name} was counted as live, and users fail by it")


def _watch_live(progress: Sequence[Progress], epoch: str) -> None:
    for one in progress:
        alive = one.stretch.adapter.alive()
        if not alive or not set(alive) <= one.proven.keys():
            raise Broken(
                "live-means-all", f"{epoch} was called live with {alive} serving and {list(one.proven)} proven"
            )
