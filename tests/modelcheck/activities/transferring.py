# SPDX-License-Identifier: Apache-2.0
"""Bringing the state over."""

from relocate.activities import orders
from relocate.errors import NotProven
from tests.modelcheck.activities.steps import Steps
from tests.modelcheck.world import World


def transfer(world: World, order: orders.TransferOrder) -> Steps:
    """See `relocate.activities.transferring`; the source freezes, and resumes."""
    world.claim_turn(order.fence)
    yield "call the hook"
    if world.health(order.source.name, order.source.instance) != "healthy":
        raise NotProven("the hook failed")
    if order.path == "/freeze":
        world.frozen = True
    elif order.path == "/resume":
        world.frozen = False
    yield "look whether it can be kept"
    world.keep_claims()
