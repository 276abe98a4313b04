# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is to change an application: taken, checked and given back in the transaction that changes something.

The application's lease row is its lock: what changes an application, its relocations or their records locks that row first, and
rows of theirs only afterwards. Where there are several writers at a time (PostgreSQL), nothing else keeps two of them apart.
"""

from typing import Any

from sqlalchemy import Connection, and_, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from relocate.errors import AlreadyRelocating, StaleFence
from relocate.store.tables import LEASES, RELOCATIONS
from steering.model import Fence

_CURRENT = (
    select(LEASES.c.lease, LEASES.c.sequence, LEASES.c.holder)
    .where(LEASES.c.application == bindparam("of"))
    .with_for_update()
)
_OF_RELOCATION = select(RELOCATIONS.c.application).where(RELOCATIONS.c.id == bindparam("of")).scalar_subquery()
_HELD = select(LEASES.c.lease).where(LEASES.c.application == _OF_RELOCATION).with_for_update()
_GIVE_BACK = (
    update(LEASES)
    .where(and_(LEASES.c.application == bindparam("of"), LEASES.c.holder == bindparam("by")))
    .values(holder=None)
)


def hold_still(connection: Connection, relocation: str) -> None:
    """Until the transaction ends nobody else changes this relocation, its application or its record."""
    connection.execute(_HELD, {"of": relocation}).all()


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


def _taking(here: sqlite.Insert | postgresql.Insert) -> ReturningInsert[Any]:
    """One statement that takes a lease if it is free: of two that ask at once, exactly one gets it."""
    return here.on_conflict_do_update(
        index_elements=[LEASES.c.application],
        set_={"lease": LEASES.c.lease + 1, "sequence": 0, "holder": here.excluded.holder},
        where=LEASES.c.holder.is_(None),
    ).returning(LEASES.c.lease)


_TAKE_LEASE = {"sqlite": _taking(sqlite.insert(LEASES)), "postgresql": _taking(postgresql.insert(LEASES))}
"""By database."""


def take_lease(connection: Connection, application: str, holder: str) -> int:
    """Take a free lease: its number.

    Raises:
        AlreadyRelocating: somebody holds it; nothing was changed.
    """
    taking = _TAKE_LEASE[connection.dialect.name]
    row = {"application": application, "lease": 1, "sequence": 0, "holder": holder}
    lease = connection.execute(taking, row).scalar()
    if lease is None:
        held = select(LEASES.c.holder).where(LEASES.c.application == application)
        raise AlreadyRelocating(application, connection.execute(held).scalar_one())
    return int(lease)


def give_lease_back(connection: Connection, application: str, holder: str) -> None:
    """Let go of a lease; one held by somebody else is left alone."""
    connection.execute(_GIVE_BACK, {"of": application, "by": holder})
