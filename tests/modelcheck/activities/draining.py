# SPDX-License-Identifier: Apache-2.0
"""Waiting until nobody uses a side."""

from collections.abc import Sequence

from relocate.activities import orders
from relocate.phases import draining, proof
from steering.model import InstanceUsage
from tests.modelcheck.activities.steps import Steps
from tests.modelcheck.world import Gateway, World


def drain(world: World, order: orders.DrainOrder) -> Steps:
    """See `relocate.activities.draining`, counting once a window."""
    state, now = draining.DrainState(), 0.0
    while True:
        usage = [one for gateway in world.gateways for one in _usage(world, gateway, order)]
        state = draining.count(state, usage, now)
        drained = draining.is_drained(state, now, order.drain.window_seconds)
        if drained or (order.drain.at_deadline != "wait" and now >= order.drain.deadline_seconds):
            break
        yield f"look again after {now:g} s"
        world.let_users_ask()
        now += max(order.drain.window_seconds, 1.0)
    world.true_drained[order.side] = drained and _truly_unused(world, order.side)
    if not drained and order.drain.at_deadline == "force":
        world.true_forced = True
    world.keep_claims()
    return orders.Drained(drained=drained, left=state.left, sentence=f"{order.side}: {state.sentence}")


def _usage(world: World, gateway: Gateway, order: orders.DrainOrder) -> Sequence[InstanceUsage]:
    row = gateway.row(world.route.name)
    alive = proof.alive(gateway.stands(world.route.name, row.version if row else 0), order.waived_instances)
    return [gateway.count(name, world.route.name, order.side) for name in alive]


def _truly_unused(world: World, side: str) -> bool:
    return all(
        not gateway._instances[name].streams[world.route.name, side]
        and name not in gateway.uncounted
        and not document.weights.get(side)
        for gateway in world.gateways
        for name, document in gateway.serving(world.route.name).items()
    )
