# SPDX-License-Identifier: Apache-2.0
"""Turns by name, for what no row stands for yet: whoever takes one has it until its transaction ends.

SQLite has one writer at a time, so there every transaction that writes has every turn already. PostgreSQL has as many writers
as connections, and advisory locks for this (its manual, 13.3.5). Whoever takes several, or a turn and then rows, does so in
the order in which the modules that need them document it, so that no two ever wait for each other.
"""

from collections.abc import Collection

from sqlalchemy import Connection, text

_TAKE = text("SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[])) AS name")
_SHARE = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")


def take_turns(connection: Connection, names: Collection[str]) -> None:
    """Wait until nobody else has any of these turns, nor a share of one.

    Args:
        connection: in a transaction that writes.
        names: taken in alphabetical order.
    """
    if names and connection.dialect.name == "postgresql":
        connection.execute(_TAKE, {"names": sorted(names)})


def share_turn(connection: Connection, name: str) -> None:
    """Wait until nobody has this turn; others may share it."""
    if connection.dialect.name == "postgresql":
        connection.execute(_SHARE, {"name": name})
