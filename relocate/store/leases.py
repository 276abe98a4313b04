# SPDX-License-Identifier: Apache-2.0
"""Leases: who may change an application now."""

from collections.abc import Sequence

from sqlalchemy import Engine, bindparam, select, update

from relocate.model.told import Told
from relocate.store.relocations import keep_told
from relocate.store.tables import LEASES
from relocate.store.turn import check_turn, give_lease_back, take_lease
from steering.model import Fence
from steering.store.engine import writing

PLACING = "place-"
"""Begins the name of a first placement: so a lease says what holds it."""

_ADVANCE = update(LEASES).where(LEASES.c.application == bindparam("of"))


class Leases:
    """One lease an application: who may write its routes and clusters, and how far that writer has come."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def advance(self, application: str, fence: Fence, told: Sequence[Told] = ()) -> Sequence[Told]:
        """Move the application to `fence`; the same fence again is fine. What is told is kept in the same transaction.

        Returns:
            What was news of it.

        Raises:
            StaleFence: a newer step, undo or lease has been here; nothing was kept.
        """
        with writing(self._engine) as connection:
            check_turn(connection, application, fence)
            connection.execute(_ADVANCE, {"of": application, "lease": fence.lease, "sequence": fence.sequence})
            return keep_told(connection, told)

    def check(self, application: str, fence: Fence) -> None:
        """See that it is still the turn of `fence`, right before something that no transaction can hold back.

        Raises:
            StaleFence: a newer step, undo or lease has been here.
        """
        with self._engine.connect() as connection:
            check_turn(connection, application, fence)

    def holder(self, application: str) -> str | None:
        """Id of the relocation that holds the lease, or None."""
        with self._engine.connect() as connection:
            return connection.execute(select(LEASES.c.holder).where(LEASES.c.application == application)).scalar()

    def held(self, prefix: str) -> dict[str, str]:
        """Holders whose name begins like this, by application."""
        statement = select(LEASES.c.application, LEASES.c.holder).where(LEASES.c.holder.startswith(prefix))
        with self._engine.connect() as connection:
            return {row.application: row.holder for row in connection.execute(statement)}

    def take(self, application: str, holder: str) -> int:
        """Take a free lease for something other than a relocation (a first placement).

        Raises:
            AlreadyRelocating: somebody holds it.
        """
        with writing(self._engine) as connection:
            return take_lease(connection, application, holder)

    def give_back(self, application: str, holder: str) -> None:
        """Let go of a lease; one held by somebody else is left alone."""
        with writing(self._engine) as connection:
            give_lease_back(connection, application, holder)
