# SPDX-License-Identifier: Apache-2.0
"""The last look before the source is removed."""

from relocate.activities import orders
from relocate.errors import EvidenceNotStored
from relocate.phases import proof, teardown
from tests.modelcheck.activities.proving import ask
from tests.modelcheck.activities.readying import ready_now
from tests.modelcheck.activities.steering import standing_at
from tests.modelcheck.activities.steps import Steps
from tests.modelcheck.world import Gateway, World


def check(world: World, order: orders.CheckOrder) -> Steps:
    """See `relocate.activities.checking`; what is asked at the same time there, one after the other here."""
    acknowledged = [_why_not_acknowledged(world, order, gateway) for gateway in world.gateways]
    truly = _truly_forgotten(world, order)
    yield "look whether it is seen"
    seen = [_why_not_seen(world, order, gateway) for gateway in world.gateways]
    yield "look whether the target is healthy"
    target = order.target
    well = ready_now(world, order.gate, target, None, order.waived_instances)
    truly = truly and world.health(target.name, target.instance) == "healthy" and target.name not in world.true_errors
    checked = teardown.Checked(
        acknowledged=teardown.join_reasons(acknowledged),
        seen=teardown.join_reasons(seen),
        target_healthy=None if well else "it does not answer well",
        drained=order.drained,
        watched="the prober saw requests fail" if target.name in world.true_errors else None,
        cut=order.cut,
        evidence_stored=_stored(world),
    )
    why_not = teardown.why_not_teardown(checked, order.waivers)
    world.true_checked = why_not is None and truly and not world.refuses_evidence
    return orders.Verdict(why_not=why_not, sentence=why_not or "nothing speaks against it")


def _why_not_acknowledged(world: World, order: orders.CheckOrder, gateway: Gateway) -> str | None:
    standing = standing_at(world, gateway)
    epoch = order.written.epochs.get(f"{gateway.name}/{world.route.name}")
    known = teardown.why_not_forgotten(standing, order.source, epoch, gateway.name)
    if known is None and proof.is_waived(gateway.describe().rungs, unproven=order.waivers.unproven):
        return None
    stands = gateway.stands(world.route.name, int(standing.version))
    return known or proof.why_not_acknowledged(stands, order.waived_instances)


def _why_not_seen(world: World, order: orders.CheckOrder, gateway: Gateway) -> str | None:
    row = gateway.row(world.route.name)
    stands = gateway.stands(world.route.name, row.version if row else 0)
    needed = proof.alive(stands, order.waived_instances)
    if not needed:
        return f"no instance of {gateway.name} could be asked"
    epoch = order.written.epochs.get(f"{gateway.name}/{world.route.name}", "")
    weights = {order.target.name: 100}
    return teardown.join_reasons(
        [proof.why_not_seen(ask(world, gateway, name, order.probes), epoch, weights) for name in needed]
    )


def _truly_forgotten(world: World, order: orders.CheckOrder) -> bool:
    """Every gateway instance that serves anybody routes by our last write, which knows the target only."""
    epochs = [
        (held.epoch, order.written.epochs.get(f"{gateway.name}/{world.route.name}"), set(held.weights))
        for gateway in world.gateways
        for held in gateway.serving(world.route.name).values()
    ]
    return (
        world.provable
        and bool(epochs)
        and all(epoch == ours and sides == {order.target.name} for epoch, ours, sides in epochs)
    )


def _stored(world: World) -> bool:
    try:
        world.keep_claims()
    except EvidenceNotStored:
        return False
    return True
