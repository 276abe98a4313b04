# SPDX-License-Identifier: Apache-2.0
"""What `select` finds."""

from functools import lru_cache

from relocate.activities import orders, selection
from relocate.activities.ways import Stretch
from relocate.targets.contract import Decision, Ranked
from tests.modelcheck.activities.steps import Steps
from tests.modelcheck.world import GONE, World, backend


def select(world: World, order: orders.SelectOrder) -> Steps:
    """See `relocate.activities.selection`: the source, as the routes name it, and the other clusters in order."""
    yield from ()
    stretches = [Stretch(world.route, gateway.name, gateway) for gateway in world.gateways]
    selection.check_provable(stretches, world.application, order.request)
    cluster, placed = next((name, one) for name, one in world.placements.items() if one.active)
    runs = world.health(cluster, placed.instance) not in GONE
    epochs = {
        f"{gateway.name}/{world.route.name}": row.document.epoch
        for gateway in world.gateways
        if (row := gateway.row(world.route.name)) is not None and row.document is not None
    }
    world.located = True
    world.allow_what_stands()
    return orders.Selected(
        source=cluster,
        serving=orders.Serving(backend=backend(cluster, placed.instance)),
        sentence="" if runs else "it does not run",
        written=orders.Written(epochs=epochs),
        decision=_decision(tuple(sorted({name for name, _ in world.instances} - {cluster}))),
    )


@lru_cache
def _decision(names: tuple[str, ...]) -> Decision:
    return Decision(selector="model", ranked=tuple(Ranked(cluster=name, score=1.0) for name in names), sentence="so")
