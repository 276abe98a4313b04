# SPDX-License-Identifier: Apache-2.0
"""What only one process may do at a time."""

from relocate.store.database import Database


def test_one_has_the_turn_until_it_gives_it_back(database: Database) -> None:
    """It may go on; others wait; another name is another matter."""
    turns = database.exclusions
    assert turns.take("group", "one", 30)
    assert turns.take("group", "one", 30)
    assert not turns.take("group", "two", 30)
    assert turns.take("other", "two", 30)
    turns.give_back("group", "two")
    assert not turns.take("group", "two", 30)
    turns.give_back("group", "one")
    assert turns.take("group", "two", 30)


def test_a_turn_that_has_run_out_is_taken_over(database: Database) -> None:
    """Its holder finds out when it wants to go on."""
    turns = database.exclusions
    assert turns.take("group", "one", -1)
    assert turns.take("group", "two", 30)
    assert not turns.take("group", "one", 30)
