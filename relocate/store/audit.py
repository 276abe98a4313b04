# SPDX-License-Identifier: Apache-2.0
"""Who asked for what change, and what came of it: added to, and never changed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, insert, select

from relocate.store.tables import AUDIT
from steering.store.engine import writing


class Act(NamedTuple):
    """One request that wanted something changed."""

    at: datetime
    caller: str
    shown: str
    """What the caller showed of himself: `token`, `jwt`, `certificate` or `nothing`."""
    project: str | None
    """Whose application, relocation or intent it was about; None: of no project, or of one that is not known."""
    method: str
    target: str
    """Path and query."""
    digest: str
    """SHA-256 of the body, in hexadecimal digits; empty: there was none."""
    status: int
    """HTTP status of the answer."""
    about: str
    """What the answer named: a relocation's address, a workflow's id, or nothing."""


class Recorded(NamedTuple):
    """An act with its number, which rises."""

    id: int
    act: Act


class Audit:
    """The record."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def put(self, acts: Sequence[Act]) -> Sequence[None]:
        """Add these, in one transaction."""
        with writing(self._engine) as connection:
            connection.execute(insert(AUDIT), [act._asdict() for act in acts])
        return [None] * len(acts)

    def list(
        self,
        *,
        projects: Collection[str] | None = None,
        caller: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[Recorded]:
        """Acts, newest first.

        Args:
            projects: only what was about one of these; None: everything.
            caller: only this one's.
            before: only those with a lower number.
            limit: at most so many.
        """
        statement = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        if projects is not None:
            statement = statement.where(AUDIT.c.project.in_(projects))
        if caller is not None:
            statement = statement.where(AUDIT.c.caller == caller)
        if before is not None:
            statement = statement.where(AUDIT.c.id < before)
        with self._engine.connect() as connection:
            rows = connection.execute(statement).mappings()
            return [Recorded(row["id"], Act(*(row[name] for name in Act._fields))) for row in rows]
