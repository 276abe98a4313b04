# SPDX-License-Identifier: Apache-2.0
"""Workflow intents: kept by group and name, as Go writes them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from relocate.emco.intents import IntentGroup, WorkflowIntent
from relocate.errors import AlreadyExists, NotFound
from relocate.store.database import Database

GROUP = IntentGroup("proj1", "shop", "v1", "dig1")


def _intent(name: str, queue: str = "q") -> WorkflowIntent:
    temporal = {"workflowStartOptions": {"TaskQueue": queue, "RetryPolicy": {"MaximumAttempts": 2}, "Memo": {"a": [1]}}}
    return WorkflowIntent.model_validate(
        {"metadata": {"name": name}, "spec": {"workflowClient": {}, "temporal": temporal}}
    )


def test_an_intent_is_read_back_as_it_was(database: Database) -> None:
    """Every field of it."""
    database.intents.create(GROUP, _intent("move"))
    assert database.intents.get(GROUP, "move") == _intent("move")


def test_intents_are_listed_by_name_and_group(database: Database) -> None:
    """Each part of a group's name counts."""
    for name in ("b", "a"):
        database.intents.create(GROUP, _intent(name))
    for others in (GROUP._replace(**{field: "x"}) for field in GROUP._fields):
        database.intents.create(others, _intent("c"))
        assert [one.metadata.name for one in database.intents.list(others)] == ["c"]
    assert [one.metadata.name for one in database.intents.list(GROUP)] == ["a", "b"]


def test_a_name_is_taken_once(database: Database) -> None:
    """The first one stays."""
    database.intents.create(GROUP, _intent("move", "first"))
    with pytest.raises(AlreadyExists, match="move"):
        database.intents.create(GROUP, _intent("move", "second"))
    assert database.intents.get(GROUP, "move").spec.temporal.start_options.task_queue == "first"


def test_of_many_at_once_one_is_kept(database: Database) -> None:
    """The others hear that it is there."""
    at_once = Barrier(8)

    def create(number: int) -> int | None:
        at_once.wait()
        try:
            database.intents.create(GROUP, _intent("move", str(number)))
        except AlreadyExists:
            return None
        return number

    with ThreadPoolExecutor(8) as threads:
        kept = [number for number in threads.map(create, range(8)) if number is not None]
    assert [database.intents.get(GROUP, "move").spec.temporal.start_options.task_queue] == [str(one) for one in kept]


def test_a_deleted_intent_is_gone(database: Database) -> None:
    """And its name is free again."""
    database.intents.create(GROUP, _intent("move"))
    database.intents.delete(GROUP, "move")
    for ask in (database.intents.get, database.intents.delete):
        with pytest.raises(NotFound, match="move"):
            ask(GROUP, "move")
    database.intents.create(GROUP, _intent("move"))
