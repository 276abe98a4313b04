# SPDX-License-Identifier: Apache-2.0
"""UE movements that were reported, and what was decided about each: once for each CloudEvent (source and id)."""

from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from relocate.store.tables import UE_EVENTS
from steering.store.engine import writing

_ABOUT = UE_EVENTS.c.body["data"]["app"].as_string()


class Decided(NamedTuple):
    """What was decided about one event."""

    source: str
    id: str
    decision: Literal["relocating", "not_moved"]
    reason: str
    """Why, in one sentence."""
    relocation: str | None
    """Id of the relocation that the event started."""
    application: str
    """Which the event was about."""


class UeEvents:
    """Every UE event that was decided about."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def get(self, source: str, identity: str) -> Decided | None:
        """What was decided about this event, or None for one that was never seen."""
        columns = [_ABOUT if name == "application" else UE_EVENTS.c[name] for name in Decided._fields]
        mine = (UE_EVENTS.c.source == source, UE_EVENTS.c.id == identity)
        with self._engine.connect() as connection:
            row = connection.execute(select(*columns).where(*mine)).one_or_none()
        return Decided(*row) if row is not None else None

    def put(self, decided: Decided, body: dict[str, Any]) -> Decided:
        """Record a decision; when another process was faster, its decision is the one that counts and comes back."""
        row = {**decided._asdict(), "received_at": datetime.now(UTC), "body": body}
        del row["application"]  # it stands in the body
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(UE_EVENTS).values(**row))
        except IntegrityError:
            earlier = self.get(decided.source, decided.id)
            if earlier is None:
                raise
            return earlier
        return decided
