# SPDX-License-Identifier: Apache-2.0
"""A database in which much has happened: copies of a relocation that has ended, with its events and its evidence."""

from sqlalchemy import Connection, text

from relocate.store.database import Database
from steering.store.engine import writing

COPIES = """
INSERT INTO {table} ({columns})
WITH RECURSIVE copy(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copy WHERE number < :count)
SELECT {values} FROM {table}, copy WHERE {key} = :original
"""

TABLES = {"events": "relocation", "evidence": "relocation", "watched": "relocation", "relocations": "id"}
"""What a relocation leaves, and the column that says whose it is."""

IDENTITY = "'old-' || copy.number"
AN_HOUR_EARLIER = "strftime('%Y-%m-%d %H:%M:%f', {column}, '-' || copy.number || ' hours')"


def fill(database: Database, count: int) -> None:
    """Add `count` finished relocations as old as hours: each like the last one that has ended.

    The chain of their evidence is the original's: nobody verifies it here.
    """
    original = database.relocations.list(limit=1)[0].id
    with writing(database.engine) as connection:
        for table, key in TABLES.items():
            columns = _columns(connection, table)
            values = [_value(column, key) for column in columns]
            statement = COPIES.format(table=table, columns=", ".join(columns), values=", ".join(values), key=key)
            connection.execute(text(statement), {"count": count, "original": original})


def _columns(connection: Connection, table: str) -> list[str]:
    """All but a number that the database gives by itself."""
    found = connection.exec_driver_sql(f"PRAGMA table_info({table})").all()
    return [row[1] for row in found if not (row[1] == "id" and row[2].upper() == "INTEGER")]


def _value(column: str, key: str) -> str:
    if column == key:
        return IDENTITY
    if column == "view":
        return f"json_set(view, '$.id', {IDENTITY})"
    return AN_HOUR_EARLIER.format(column=column) if column in ("at", "created_at", "finished_at") else column
