# SPDX-License-Identifier: Apache-2.0
"""What is done to instances."""

from relocate.activities import orders
from relocate.errors import StaleFence, TargetFailed, Unhealthy
from tests.modelcheck.activities.steps import Steps
from tests.modelcheck.world import GONE, Placed, World, backend


def deploy(world: World, order: orders.InstanceOrder) -> Steps:
    """See `relocate.activities.instances`. A cluster needs a moment: whether it runs is asked later."""
    world.claim_turn(order.fence)
    world.true_target = (order.cluster, order.instance)
    world.true_made.add(world.true_target)
    yield "put the placement"
    world.check_turn(order.fence)
    world.placements[order.cluster] = Placed(order.instance, active=False)
    yield "deploy"
    world.advance(order.cluster, order.instance, order.fence)
    world.instances.setdefault((order.cluster, order.instance), "healthy")
    yield "see whether it is ours"
    placed = world.placements.get(order.cluster)
    if placed is None or placed.instance != order.instance:
        world.remove(order.cluster, order.instance, order.fence)
        raise StaleFence("it was removed before this attempt had made it")
    return orders.Deployed(serving=None)


def await_running(world: World, order: orders.InstanceOrder) -> Steps:
    """An instance that answers with errors runs all the same."""
    yield from ()
    if world.health(order.cluster, order.instance) in GONE:
        raise TargetFailed("it does not run")
    return orders.Serving(backend=backend(order.cluster, order.instance))


def remove(world: World, order: orders.RemoveOrder) -> Steps:
    """See `relocate.activities.instances`: removed, struck from the record, and looked at again.

    That it looks at its turn once more right before is left out: an attempt may hang after that look as well.
    """
    world.claim_turn(order.fence)
    yield "remove"
    world.remove(order.cluster, order.instance, order.fence)
    yield "forget the placement"
    world.check_turn(order.fence)
    world.keep_claims()
    world.placements.pop(order.cluster, None)
    if order.serves is not None:
        world.activate(order.serves)
    yield "remove again"
    world.remove(order.cluster, order.instance, order.fence)


def secure(world: World, order: orders.InstanceOrder) -> Steps:
    """See `relocate.activities.instances`."""
    world.claim_turn(order.fence)
    yield "tell the cluster"
    world.advance(order.cluster, order.instance, order.fence)
    yield "look whether it runs"
    if world.health(order.cluster, order.instance) in GONE:
        raise Unhealthy("it does not run")


def activate(world: World, order: orders.ActivateOrder) -> Steps:
    """See `relocate.activities.instances`."""
    world.claim_turn(order.fence)
    yield "activate"
    world.check_turn(order.fence)
    world.activate(order.active)
