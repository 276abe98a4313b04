# SPDX-License-Identifier: Apache-2.0
"""Counts over all relocations, for metrics and for those who wait for events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, func, select

from relocate.store.tables import EVENTS, RELOCATIONS


class Finished(NamedTuple):
    """One relocation that has ended."""

    id: str
    outcome: str
    seconds: float
    """From acceptance to the end."""
    at: datetime


class Figures:
    """Read only; every method is one query."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def last_event(self, before: datetime) -> int:
        """Id of the newest event that happened before that moment, 0 when there is none."""
        with self._engine.connect() as connection:
            # Newest first: a moment that is not long ago is found after few rows, and `at` needs no index.
            newest = select(EVENTS.c.id).where(EVENTS.c.at < before).order_by(EVENTS.c.id.desc()).limit(1)
            return connection.execute(newest).scalar() or 0

    def by_status(self) -> Mapping[str, int]:
        """How many relocations there are of each status that occurs."""
        with self._engine.connect() as connection:
            statement = select(RELOCATIONS.c.status, func.count().label("number")).group_by(RELOCATIONS.c.status)
            return {row.status: row.number for row in connection.execute(statement)}

    def finished_since(self, moment: datetime | None) -> Sequence[Finished]:
        """Relocations that ended at `moment` or later (None: all), in order of their ends."""
        columns = (RELOCATIONS.c.id, RELOCATIONS.c.outcome, RELOCATIONS.c.created_at, RELOCATIONS.c.finished_at)
        statement = select(*columns).where(RELOCATIONS.c.finished_at.is_not(None)).order_by(RELOCATIONS.c.finished_at)
        if moment is not None:
            statement = statement.where(RELOCATIONS.c.finished_at >= moment)
        with self._engine.connect() as connection:
            return [
                Finished(
                    row.id,
                    row.outcome or "unknown",
                    (row.finished_at - row.created_at).total_seconds(),
                    row.finished_at,
                )
                for row in connection.execute(statement)
            ]
