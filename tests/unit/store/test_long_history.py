# SPDX-License-Identifier: Apache-2.0
"""What has ended costs nothing: no question that is asked again and again reads all relocations."""

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
    "the sweeper's": lambda database: database.relocations.not_started(),
    "a page": lambda database: database.relocations.list(),
    "a page of an application": lambda database: database.relocations.list(application="navigator"),
    "a page of a status": lambda database: database.relocations.list(status=Status.RUNNING),
    "a page of an outcome": lambda database: database.relocations.list(outcome="rolled_back"),
    "where moves failed": lambda database: database.relocations.failed_targets("navigator"),
    "open ones": lambda database: Figures(database.engine).by_status(),
    "new ends": lambda database: Figures(database.engine).finished_since(NOW),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_no_question_reads_every_relocation(database: Database, question: Callable[[Database], Any]) -> None:
    """SQLite's plan finds the rows by an index."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    question(database)
    event.remove(database.engine, "before_cursor_execute", note)
    with database.engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all() for text, given in asked]
    steps = [step.detail for plan in plans for step in plan]
    assert steps
    assert [step for step in steps if step == "SCAN relocations"] == []
