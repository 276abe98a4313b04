# SPDX-License-Identifier: Apache-2.0
"""Insert rows, and replace or keep what stands under their keys: many rows in one statement."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Executable, Table
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
    if rows:
        connection.execute(_replacing(connection.dialect.name, table, tuple(rows[0])), _ordered(table, rows))


def keep(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store whole rows; what stands under the key of one stays as it is, also where two rows have the same.

    Args: see `upsert`.
    """
    if rows:
        connection.execute(_keeping(connection.dialect.name, table), _ordered(table, rows))


def _ordered(table: Table, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """By key: two transactions that store the same rows meet at the first, and never wait for each other."""
    unique = [index.columns for index in table.indexes if index.unique]
    keys = [[one.name for one in key] for key in (table.primary_key.columns, *unique)]
    given = next(names for names in keys if set(names) <= set(rows[0]))
    return sorted(rows, key=lambda row: [row[name] for name in given])


# Each statement is made once: making one takes longer than running it.
@cache
def _replacing(dialect: str, table: Table, columns: Sequence[str]) -> Executable:
    keys = [column.name for column in table.primary_key]
    statement = _INSERTS[dialect](table)
    changed = {name: statement.excluded[name] for name in columns if name not in keys}
    return cast("Executable", statement.on_conflict_do_update(index_elements=keys, set_=changed))


@cache
def _keeping(dialect: str, table: Table) -> Executable:
    return cast("Executable", _INSERTS[dialect](table).on_conflict_do_nothing())
