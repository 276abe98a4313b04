# SPDX-License-Identifier: Apache-2.0
"""Insert rows, and replace or keep what stands under their keys: many rows in one statement."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

_INSERTS: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""SQL has no word for it; these two databases share one (`ON CONFLICT`)."""


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store whole rows, each with the same columns; of two with the same key the later one stays.

    Args:
        connection: in a transaction that writes.
        table: with a primary key.
        rows: may be empty.
    """
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = _INSERTS[connection.dialect.name](table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


def keep(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store whole rows; what stands under the key of one stays as it is, also where two rows have the same.

    Args: see `upsert`.
    """
    if rows:
        statement = _INSERTS[connection.dialect.name](table).on_conflict_do_nothing()
        connection.execute(statement, list(rows))
