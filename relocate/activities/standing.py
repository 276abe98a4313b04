# SPDX-License-Identifier: Apache-2.0
"""Whether what was written still stands, while its effect is waited for: nobody waits for a write that somebody has undone."""

import time
from collections.abc import Sequence
from contextlib import suppress

from relocate.activities.orders import DrainOrder, SteerOrder
from relocate.activities.ways import Stretch
from relocate.phases import documents
from steering.errors import Conflict, Unavailable
from steering.model import RouteState

LOOK_SECONDS = 1.0
"""Time between two looks."""


def why_changed(order: SteerOrder | DrainOrder, stretch: Stretch, found: RouteState) -> str | None:
    """Whether a route was changed by somebody else since this relocation wrote it, in words."""
    own = documents.epoch_of(order.relocation, order.fence)
    return documents.why_drifted(found.document, order.written.epochs.get(stretch.key), own) or found.drift


async def check_unchanged(stretch: Stretch, since: float) -> float:
    """While a write is waited for: see now and then that it still stands. When that was seen last, by the monotonic clock.

    Raises:
        Conflict: somebody has changed it; who heals himself would do so again, so it is not written again.
    """
    if time.monotonic() - since < LOOK_SECONDS:
        return since
    found = await stretch.adapter.read(stretch.route.name)
    if found is not None and found.drift is not None:
        raise Conflict(found.drift)
    return time.monotonic()


async def check_all_unchanged(order: DrainOrder, found: Sequence[Stretch], since: float) -> float:
    """The same of every route, long after the write; a gateway that cannot be asked hides no other.

    Raises:
        Conflict: somebody has changed one.
    """
    if time.monotonic() - since < LOOK_SECONDS:
        return since
    for stretch in found:
        with suppress(Unavailable):  # then nobody is counted there either, and that is told
            state = await stretch.adapter.read(stretch.route.name)
            if state is not None and (changed := why_changed(order, stretch, state)):
                raise Conflict(changed)
    return time.monotonic()
