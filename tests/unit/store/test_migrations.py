# SPDX-License-Identifier: Apache-2.0
"""Migrations make the schema that the code expects."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, insert, inspect, select

from relocate.store.migrate import configuration, prepare
from relocate.store.tables import FAILURES, METADATA
from steering.store.engine import engine, writing
from steering.store.tables import METADATA as STEERING


def _differences(url: str) -> list[Any]:
    made = engine(url)
    both = MetaData()
    for metadata in (METADATA, STEERING):
        for table in metadata.tables.values():
            table.to_metadata(both)
    try:
        with made.connect() as connection:
            return list(compare_metadata(MigrationContext.configure(connection), both))
    finally:
        made.dispose()


def _tables(url: str) -> set[str]:
    made = engine(url)
    try:
        return set(inspect(made).get_table_names())
    finally:
        made.dispose()


def test_migrations_and_tables_say_the_same(url: str) -> None:
    """Nothing that the code knows is missing in the schema, and nothing is there that it does not know."""
    assert _differences(url) == []


def test_preparing_again_changes_nothing(url: str) -> None:
    """An up-to-date schema is left as it is."""
    before = _tables(url)
    prepare(url)
    assert _tables(url) == before
    assert _differences(url) == []


def test_processes_may_prepare_at_once(tmp_path: Path) -> None:
    """Three processes that start together on an empty database make one schema."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(prepare, [url] * 3))
    assert _differences(url) == []


def test_what_was_told_twice_is_kept_once_from_now_on(tmp_path: Path) -> None:
    """A database in which a failure stands twice is brought up to date; the first one stays."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    made = engine(url)
    with writing(made) as connection:
        command.upgrade(configuration(connection), "0003")
        row = {"relocation": "rel-1", "route": "web", "vantage": "edge-1", "at": datetime(2026, 11, 1, tzinfo=UTC)}
        connection.execute(insert(FAILURES), [{**row, "text": text} for text in ("reset", "reset", "told again")])
    made.dispose()
    prepare(url)
    made = engine(url)
    with made.connect() as connection:
        assert connection.execute(select(FAILURES.c.id, FAILURES.c.text)).all() == [(1, "reset")]
    made.dispose()
