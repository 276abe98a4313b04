# SPDX-License-Identifier: Apache-2.0
"""How every activity goes: it heartbeats, and keeps what its order brings along from the journal before all else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from relocate.activities.heartbeat import heartbeats
from relocate.activities.orders import Order
from relocate.store.database import Database


@asynccontextmanager
async def changing(database: Database, order: Order) -> AsyncIterator[None]:
    """Around what changes something: the application's lease moves to the order's fence, and what was told is kept.

    Raises:
        StaleFence: a newer step, undo or lease has been here; nothing may be changed.
    """
    async with heartbeats():
        await asyncio.to_thread(database.leases.advance, order.application.name, order.fence, order.told)
        yield


@asynccontextmanager
async def looking(database: Database, order: Order) -> AsyncIterator[None]:
    """Around what only looks, which takes no turn: what was told is kept."""
    async with heartbeats():
        if order.told:
            await asyncio.to_thread(database.relocations.keep, order.told)
        yield
