# SPDX-License-Identifier: Apache-2.0
"""The record of one relocation, put together from the database."""

from datetime import UTC, datetime

from relocate.evidence.record import Record
from relocate.evidence.rows import SeenFailure, WatchedSecond
from relocate.store.database import Database
from relocate.targets.contract import Decision


def collect(database: Database, identity: str) -> Record:
    """The whole record, as it is now.

    Raises:
        NotFound: no relocation has this id.
    """
    # The view first: what ended by then has all of its entries.
    view = database.relocations.get(identity)
    return Record(
        relocation=identity,
        made_at=datetime.now(UTC),
        view=view,
        decision=decision(database, identity),
        entries=tuple(database.evidence.of(identity)),
        seconds=tuple(
            WatchedSecond(route=route, vantage=vantage, second=second, body=body)
            for route, vantage, second, body in database.watched.seconds(identity)
        ),
        failures=tuple(SeenFailure(**one._asdict()) for one in database.watched.failures(identity, None)),
    )


def decision(database: Database, identity: str) -> Decision | None:
    """The last decision that was told (a next-best target is another one)."""
    after, found = 0, None
    while events := database.relocations.events(identity, after):
        found = next((event.data for event in reversed(events) if event.kind == "decision"), found)
        after = events[-1].id
    return Decision.model_validate(found) if found is not None else None
