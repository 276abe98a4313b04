# SPDX-License-Identifier: Apache-2.0
"""What has ended costs nothing: no question that is asked again and again reads all relocations."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from relocate.model.relocation import Status
from relocate.store.database import Database
from relocate.store.figures import Figures

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUESTIONS: dict[str, Callable[[Database], Any]] = {
    "the sweeper's": lambda database: database.acceptance.not_started(),
    "a page": lambda database: database.relocations.list(),
    "a page of an application": lambda database: database.relocations.list(application="navigator"),
    "a page of a status": lambda database: database.relocations.list(status=Status.RUNNING),
    "a page of an outcome": lambda database: database.relocations.list(outcome="rolled_back"),
    "where moves failed": lambda database: database.relocations.failed_targets("navigator"),
    "open ones": lambda database: Figures(database.engine).by_status(),
    "new ends": lambda database: Figures(database.engine).finished_since(NOW),
}


PLANS = {
    "sqlite": ("EXPLAIN QUERY PLAN", re.compile("^SCAN relocations$")),
    "postgresql": ("EXPLAIN", re.compile("Seq Scan on relocations")),
}
"""By database: how it is asked for a plan, and a step that reads all."""


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_no_question_reads_every_relocation(database: Database, question: Callable[[Database], Any]) -> None:
    """The database's plan finds the rows by an index."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    question(database)
    event.remove(database.engine, "before_cursor_execute", note)
    explain, scan = PLANS[database.engine.dialect.name]
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # Of an empty table it would rather read everything: it is to say whether it has to.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = [connection.exec_driver_sql(f"{explain} {text}", given).all() for text, given in asked]
    steps = [str(step[-1]) for plan in plans for step in plan]
    assert steps
    assert [step for step in steps if scan.search(step)] == []
