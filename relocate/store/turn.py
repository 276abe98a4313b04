# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is to change an application: checked in the transaction that changes something."""

from sqlalchemy import Connection, bindparam, select

from relocate.errors import StaleFence
from relocate.store.tables import LEASES
from steering.model import Fence

_CURRENT = (
    select(LEASES.c.lease, LEASES.c.sequence, LEASES.c.holder)
    .where(LEASES.c.application == bindparam("of"))
    .with_for_update()
)


def check_turn(connection: Connection, application: str, fence: Fence) -> None:
    """See that no newer step, undo or lease has been here, and that the lease has not been given back.

    Raises:
        StaleFence: one has, or it has; the transaction must change nothing.
    """
    row = connection.execute(_CURRENT, {"of": application}).one_or_none()
    current = Fence(lease=row.lease, sequence=row.sequence) if row else Fence(lease=0, sequence=0)
    if fence < current:
        raise StaleFence(f"{application} is at lease {current.lease}, step {current.sequence}; this is older")
    if row is not None and row.holder is None:
        raise StaleFence(f"lease {current.lease} of {application} has been given back")
