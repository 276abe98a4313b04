# SPDX-License-Identifier: Apache-2.0
"""One way to open the database, for every process of the service.

SQLite is opened so that several processes may share it: write-ahead log, a busy time-out, and write transactions that
take the write lock when they begin (`BEGIN IMMEDIATE`). A transaction that reads first and wants to write later could
otherwise fail at once with "database is locked", whatever the time-out (sqlite.org/lang_transaction.html, 2.1).
"""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

BUSY_TIMEOUT_MS = 5000
"""How long a SQLite writer waits for another process's write lock."""

TIMEOUT = "timeout_seconds"
"""In the URL of a PostgreSQL database."""
TIMEOUT_SECONDS = 10.0
"""Where it does not say. Everything that is asked takes milliseconds; waiting for a row of somebody who was frozen takes this."""

_IMMEDIATE = "sqlite_immediate"


def engine(url: str, *, timeout_seconds: float | None = None) -> Engine:
    """Make the engine for a database.

    Args:
        url: in SQLAlchemy's form, for example `sqlite:////var/lib/relocate/relocate.db`. On PostgreSQL it may say how long
            anything may take (`?timeout_seconds=10`); what else it says there is libpq's.
        timeout_seconds: overrules the URL.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed, timeout_seconds)
    made = create_engine(parsed)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _prepare_sqlite)
        event.listen(made, "begin", _begin_sqlite)
    return made


def _postgresql(url: URL, timeout_seconds: float | None) -> Engine:
    from steering.store.postgresql import keep_time  # noqa: PLC0415, whoever uses SQLite does not need the driver

    said = url.query.get(TIMEOUT)
    seconds = timeout_seconds or (float(said) if isinstance(said, str) else TIMEOUT_SECONDS)
    made = create_engine(url.difference_update_query([TIMEOUT]), pool_pre_ping=True, pool_timeout=seconds)
    keep_time(made, seconds)
    return made


@contextmanager
def writing(made: Engine) -> Iterator[Connection]:
    """A transaction that will write: committed at the end, rolled back by an exception."""
    with _turn(made), made.connect().execution_options(**{_IMMEDIATE: True}) as connection, connection.begin():
        yield connection


@contextmanager
def seeing(made: Engine) -> Iterator[Connection]:
    """A transaction that reads several times and sees one moment throughout; SQLite's do anyway."""
    level = {} if made.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with made.connect().execution_options(**level) as connection:
        yield connection


_TURNS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""By database: whose turn it is to write, among the threads of this process."""


@contextmanager
def _turn(made: Engine) -> Iterator[None]:
    """Let one thread write to SQLite at a time.

    SQLite itself has the others sleep and try again, longer each time: of 16 threads the unluckiest wait five times as long,
    and all of them spend twice the work. Another process is still waited for by SQLite, as is whoever holds the turn for
    longer than that.
    """
    if made.dialect.name != "sqlite":
        yield
        return
    turn = _TURNS[str(made.url)]
    mine = turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000)
    try:
        yield
    finally:
        if mine:
            turn.release()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself; `_begin_sqlite` does (SQLAlchemy, "Pysqlite: locking behaviour").
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
