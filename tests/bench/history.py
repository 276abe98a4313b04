# SPDX-License-Identifier: Apache-2.0
"""A database in which much has happened: copies of a relocation that has ended, with its events and its evidence."""

import sqlite3
from contextlib import closing
from pathlib import Path

COPIES = """
INSERT INTO {table} ({columns})
WITH RECURSIVE copy(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copy WHERE number < :count)
SELECT {values} FROM {table}, copy WHERE {key} = :original
"""

TABLES = {"events": "relocation", "evidence": "relocation", "watched": "relocation", "relocations": "id"}
"""What a relocation leaves, and the column that says whose it is."""

IDENTITY = "'old-' || copy.number"
HOURS_EARLIER = "strftime('%Y-%m-%d %H:%M:%f000', {column}, '-' || copy.number || ' hours')"
MOMENTS = frozenset({"at", "created_at", "finished_at"})


def fill(file: Path, count: int) -> None:
    """Add `count` finished relocations to a SQLite database that nobody has open, each an hour older than the other.

    They are copies of the newest one. Its digests do not fit the copies: nobody verifies them here.
    """
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        # What is lost when the machine stops now is a benchmark's.
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        (original,) = connection.execute("SELECT id FROM relocations ORDER BY created_at DESC LIMIT 1").fetchone()
        for table, key in TABLES.items():
            columns = _columns(connection, table)
            values = ", ".join(_value(column, key) for column in columns)
            statement = COPIES.format(table=table, columns=", ".join(columns), values=values, key=key)
            connection.execute(statement, {"count": count, "original": original})
        connection.execute("PRAGMA journal_mode=WAL")


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """All but a number that the database gives by itself."""
    found = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return [name for _, name, kind, *_ in found if not (name == "id" and kind == "INTEGER")]


def _value(column: str, key: str) -> str:
    if column == key:
        return IDENTITY
    if column == "view":
        return f"json_set(view, '$.id', {IDENTITY})"
    return HOURS_EARLIER.format(column=column) if column in MOMENTS else column
