# SPDX-License-Identifier: Apache-2.0
"""How PostgreSQL is opened: whatever is asked of it is answered in time, or fails.

The server is told to end what takes longer, and to end a transaction of which nothing more is heard: a process that was
frozen must not hold a row that others need. A server that is frozen itself, or behind a network that is, cannot keep such
a promise; so each connection watches the clock as well.
"""

import math
from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from sqlalchemy import Engine, event

MARGIN_SECONDS = 2.0
"""By so much the server's own time-out comes first: its error names the statement, and leaves a connection that is good."""


class TimedConnection(psycopg.Connection[Any]):
    """A connection on which no question waits for ever."""

    patience_seconds: float | None = None
    """Longest time for one answer; None while it is being made, which libpq's `connect_timeout` limits."""

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer.

        Raises:
            OperationalError: there was none in time. The connection is closed: what became of the statement is unknown.
        """
        try:
            return super().wait(gen, interval, timeout or self.patience_seconds)
        except errors._WaitTimeout as error:  # noqa: SLF001, psycopg's own, and its only sign of it
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {self.patience_seconds:g} s") from error


def keep_time(made: Engine, seconds: float) -> None:
    """Let no connection, statement, wait for a lock or idle transaction of this engine take longer, by more than the margin."""
    milliseconds = round(1000 * seconds)
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    options = " ".join(f"-c {limit}={milliseconds}" for limit in limits)

    def connect(_dialect: object, _record: object, _arguments: object, named: dict[str, Any]) -> TimedConnection:
        asked = " ".join(filter(None, (options, named.pop("options", ""))))
        connection = TimedConnection.connect(**{"connect_timeout": math.ceil(seconds), **named}, options=asked)
        connection.patience_seconds = seconds + MARGIN_SECONDS
        return connection

    event.listen(made, "do_connect", connect)
