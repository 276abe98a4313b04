# SPDX-License-Identifier: Apache-2.0
"""Telling Temporal that an activity is alive, so that a dead worker is noticed and a cancel arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity


@asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """Heartbeat at a third of the activity's heartbeat time-out while the block runs.

    It keeps a stuck activity alive too: the activity's own time-out bounds that.
    """
    timeout = activity.info().heartbeat_timeout
    if timeout is None:
        yield
        return
    beating = asyncio.create_task(_beat(timeout.total_seconds() / 3))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _beat(period: float) -> None:
    while True:
        # What ends within a third of its time-out never has to say that it is alive.
        await asyncio.sleep(period)
        activity.heartbeat()
