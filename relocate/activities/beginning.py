# SPDX-License-Identifier: Apache-2.0
"""How every activity begins: it keeps what its order brings along from the journal, before it does anything else."""

import asyncio

from relocate.activities.orders import Order
from relocate.store.database import Database


async def begin_change(database: Database, order: Order) -> None:
    """Before anything is changed: move the application's lease to the order's fence, and keep what was told.

    Raises:
        StaleFence: a newer step, undo or lease has been here; nothing may be changed.
    """
    await asyncio.to_thread(database.leases.advance, order.application.name, order.fence, order.told)


async def begin_look(database: Database, order: Order) -> None:
    """Before something is looked at, which takes no turn: keep what was told."""
    if order.told:
        await asyncio.to_thread(database.relocations.keep, order.told)
