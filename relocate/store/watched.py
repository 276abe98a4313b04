# SPDX-License-Identifier: Apache-2.0
"""What the prober saw, second by second, and every failure verbatim."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine, select

from relocate.store.tables import FAILURES, WATCHED
from steering.store.engine import writing
from steering.store.upsert import keep


class SeenFailure(NamedTuple):
    """One failure as the prober saw it."""

    route: str
    vantage: str
    at: datetime
    text: str


class HandOver(NamedTuple):
    """What the prober of one route hands over at one time."""

    relocation: str
    route: str
    seconds: Mapping[tuple[str, int], dict[str, Any]]
    """By vantage and epoch second."""
    failures: Sequence[SeenFailure] = ()

    @property
    def rows(self) -> Sequence[dict[str, Any]]:
        """The seconds as they are kept."""
        own = {"relocation": self.relocation, "route": self.route}
        return [
            {**own, "vantage": vantage, "second": second, "body": body}
            for (vantage, second), body in self.seconds.items()
        ]


class Watched:
    """The prober's record of each relocation. A second's body is `relocate.prober`'s own form, in JSON."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def put(self, *hand_overs: HandOver) -> None:
        """Keep what probers hand over, in one transaction.

        A second that is on record stays as it is: claims have been made from it. What is handed over again, because nobody
        heard that it was kept, adds nothing.
        """
        rows = [row for one in hand_overs for row in one.rows]
        failures = [
            {"relocation": one.relocation, **failure._asdict()} for one in hand_overs for failure in one.failures
        ]
        with writing(self._engine) as connection:
            keep(connection, WATCHED, rows)
            keep(connection, FAILURES, failures)

    def seconds(
        self, relocation: str, *, since: int = 0, until: int | None = None
    ) -> Sequence[tuple[str, str, int, dict[str, Any]]]:
        """Rows (route, vantage, second, body) with `since <= second < until`, in order of time."""
        columns = (WATCHED.c.route, WATCHED.c.vantage, WATCHED.c.second, WATCHED.c.body)
        statement = select(*columns).where(WATCHED.c.relocation == relocation, WATCHED.c.second >= since)
        if until is not None:
            statement = statement.where(WATCHED.c.second < until)
        with self._engine.connect() as connection:
            ordered = statement.order_by(WATCHED.c.second, WATCHED.c.route, WATCHED.c.vantage)
            return [(row.route, row.vantage, row.second, row.body) for row in connection.execute(ordered)]

    def failures(self, relocation: str, limit: int | None = 1000) -> Sequence[SeenFailure]:
        """Failures in the order they were told; None: all of them."""
        columns = (FAILURES.c.route, FAILURES.c.vantage, FAILURES.c.at, FAILURES.c.text)
        statement = select(*columns).where(FAILURES.c.relocation == relocation).order_by(FAILURES.c.id).limit(limit)
        with self._engine.connect() as connection:
            return [SeenFailure(*row) for row in connection.execute(statement)]
