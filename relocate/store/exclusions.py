# SPDX-License-Identifier: Apache-2.0
"""What only one process may do at a time, also among processes that know nothing of each other."""

from typing import Any

from sqlalchemy import ColumnElement, Engine, Float, bindparam, delete, literal_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from relocate.store.tables import EXCLUSIONS
from steering.store.engine import writing

_NOW: dict[str, ColumnElement[float]] = {
    "sqlite": literal_column("(julianday('now') - 2440587.5) * 86400.0", Float),
    "postgresql": literal_column("extract(epoch from clock_timestamp())", Float),
}
"""Epoch seconds, by the clock of the database: those of its users may differ."""


class Exclusions:
    """Exclusive turns, by name. Whoever does not say in time that it goes on loses its turn: it may be dead."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take a turn that is free or has run out, or go on with one's own, for so long from now; whether one has it."""
        with writing(self._engine) as connection:
            asked = {"name": name, "holder": holder, "seconds": seconds}
            return connection.execute(_TAKE[connection.dialect.name], asked).one_or_none() is not None

    def give_back(self, name: str, holder: str) -> None:
        """End one's turn; somebody else's is left alone."""
        with writing(self._engine) as connection:
            connection.execute(delete(EXCLUSIONS).where(EXCLUSIONS.c.name == name, EXCLUSIONS.c.holder == holder))


def _taking(here: sqlite.Insert | postgresql.Insert, now: ColumnElement[float]) -> ReturningInsert[Any]:
    return (
        here.values(name=bindparam("name"), holder=bindparam("holder"), until=now + bindparam("seconds", type_=Float))
        .on_conflict_do_update(
            index_elements=[EXCLUSIONS.c.name],
            set_={"holder": here.excluded.holder, "until": here.excluded.until},
            where=(EXCLUSIONS.c.until < now) | (EXCLUSIONS.c.holder == here.excluded.holder),
        )
        .returning(EXCLUSIONS.c.name)
    )


_TAKE = {
    "sqlite": _taking(sqlite.insert(EXCLUSIONS), _NOW["sqlite"]),
    "postgresql": _taking(postgresql.insert(EXCLUSIONS), _NOW["postgresql"]),
}
"""By database."""
