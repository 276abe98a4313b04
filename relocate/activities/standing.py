# SPDX-License-Identifier: Apache-2.0
"""Whether what was written still stands, while its effect is waited for: nobody waits for a write that somebody has undone."""

import time

from relocate.activities.orders import DrainOrder, SteerOrder
from relocate.activities.ways import Stretch
from relocate.phases import documents
from steering.errors import Conflict
from steering.model import RouteState

LOOK_SECONDS = 1.0
"""Time between two looks."""


def why_changed(order: SteerOrder | DrainOrder, stretch: Stretch, found: RouteState) -> str | None:
    """Whether a route was changed by somebody else since this relocation wrote it, in words."""
    own = documents.epoch_of(order.relocation, order.fence)
    return documents.why_drifted(found.document, order.written.epochs.get(stretch.key), own) or found.drift


async def check_unchanged(stretch: Stretch, since: float, order: DrainOrder | None = None) -> float:
    """See now and then that what was written still stands.

    Args:
        stretch: where it was written.
        since: when that was seen last, by the monotonic clock.
        order: what was written before this step; None while its own write is being waited for.

    Returns:
        When it was seen last, now.

    Raises:
        Conflict: somebody has changed it; who heals himself would do so again, so it is not written again.
    """
    if time.monotonic() - since < LOOK_SECONDS:
        return since
    found = await stretch.adapter.read(stretch.route.name)
    if found is not None:
        changed = found.drift if order is None else why_changed(order, stretch, found)
        if changed is not None:
            raise Conflict(changed)
    return time.monotonic()
