# SPDX-License-Identifier: Apache-2.0
"""How whoever writes a route wakes the control planes, which would otherwise see it at their next poll.

Nothing depends on it but time: a wake-up that is lost costs at most one poll. On SQLite, whose processes are on one machine,
a datagram is sent to each; on PostgreSQL it is the database that tells all who listen, with the transaction that they are told of.
"""

from sqlalchemy import Engine

from steering.store.wakeups.contract import WakeUps
from steering.store.wakeups.notify import Notify
from steering.store.wakeups.poke import Poke

__all__ = ["WakeUps", "wake_ups"]


def wake_ups(engine: Engine) -> WakeUps:
    """The kind that this database has."""
    return Notify(engine) if engine.dialect.name == "postgresql" else Poke(engine)
