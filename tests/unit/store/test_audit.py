# SPDX-License-Identifier: Apache-2.0
"""The record of who did what is added to, and never changed."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, delete, text, update
from sqlalchemy.exc import DBAPIError

from relocate.store.audit import Act
from relocate.store.database import Database
from relocate.store.migrate import prepare
from relocate.store.tables import AUDIT
from steering.store.engine import engine


def _act(caller: str, project: str | None = None) -> Act:
    return Act(datetime.now(UTC), caller, "token", project, "POST", "/relocate", "", 202, "/v1/relocations/r-1")


def _refuses_changes(made: Engine) -> None:
    for statement in (update(AUDIT).values(caller="nobody"), delete(AUDIT)):
        with pytest.raises(DBAPIError, match="append-only"), made.begin() as connection:
            connection.execute(statement)
    if made.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="append-only"), made.begin() as connection:
            connection.execute(text("TRUNCATE audit"))


def test_what_is_on_record_stays(database: Database) -> None:
    """The database itself refuses to change or delete a row."""
    act = _act("engine")
    database.audit.put([act])
    _refuses_changes(database.engine)
    assert [one.act for one in database.audit.list()] == [act]


def test_a_migrated_database_refuses_it_as_well(url: str) -> None:
    """The schema that migrations make says the same."""
    prepare(url)
    made = engine(url)
    try:
        Database(made).audit.put([_act("engine")])
        _refuses_changes(made)
    finally:
        made.dispose()


def test_acts_are_listed_by_project_and_caller(database: Database) -> None:
    """Newest first; numbers rise; what is of no project is only in the whole."""
    database.audit.put([_act("engine", "a"), _act("engine"), _act("admin", "b")])
    assert [one.act.project for one in database.audit.list()] == ["b", None, "a"]
    assert [one.act.project for one in database.audit.list(projects={"a", "b"})] == ["b", "a"]
    assert database.audit.list(projects=set()) == []
    newest, *others = database.audit.list(caller="engine")
    assert database.audit.list(caller="engine", before=newest.id) == others
