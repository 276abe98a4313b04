# SPDX-License-Identifier: Apache-2.0
"""Before anything is changed: is this still the newest step of the application's lease?"""

import asyncio

from relocate.activities.orders import Order
from relocate.store.database import Database


async def claim_turn(database: Database, order: Order) -> None:
    """Move the application's lease to the order's fence.

    Raises:
        StaleFence: a newer step, undo or lease has been here; nothing may be changed.
    """
    await asyncio.to_thread(database.leases.advance, order.application.name, order.fence)
