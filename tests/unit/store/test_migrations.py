# SPDX-License-Identifier: Apache-2.0
"""Migrations make the schema that the code expects."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, insert, inspect, select, text

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


def test_a_newer_schema_is_left_as_it_is(url: str) -> None:
    """The version before starts during an upgrade, and after one was taken back: it changes nothing, and does not fail."""
    made = engine(url)
    with made.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    before = _tables(url)
    prepare(url)
    assert _tables(url) == before
    with made.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "later"
    made.dispose()


def test_processes_may_prepare_at_once(empty_url: str) -> None:
    """Three processes that start together on an empty database make one schema."""
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(prepare, [empty_url] * 3))
    assert _differences(empty_url) == []


def test_what_was_made_can_be_unmade(url: str) -> None:
    """Every migration goes back, and forward again to the same schema."""
    made = engine(url)
    with writing(made) as connection:
        command.downgrade(configuration(connection), "base")
    assert _tables(url) == {"alembic_version"}
    made.dispose()
    prepare(url)
    assert _differences(url) == []


def test_what_was_told_twice_is_kept_once_from_now_on(empty_url: str) -> None:
    """A database in which a failure stands twice is brought up to date; the first one stays."""
    made = engine(empty_url)
    with writing(made) as connection:
        command.upgrade(configuration(connection), "0003")
        row = {"relocation": "rel-1", "route": "web", "vantage": "edge-1", "at": datetime(2026, 11, 1, tzinfo=UTC)}
        connection.execute(insert(FAILURES), [{**row, "text": text} for text in ("reset", "reset", "told again")])
    made.dispose()
    prepare(empty_url)
    made = engine(empty_url)
    with made.connect() as connection:
        assert connection.execute(select(FAILURES.c.id, FAILURES.c.text)).all() == [(1, "reset")]
    made.dispose()
