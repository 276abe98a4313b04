# SPDX-License-Identifier: Apache-2.0
"""What may be said when, and what is understood."""

import pytest
from hypothesis import given, strategies as st

from relocate.model.relocation import Actor
from relocate.workflow.desk import Command, CommandOrder, Desk

ANN = Actor(who="ann", why="maintenance")
COMMANDS = st.sampled_from(Command)
ASKED = st.frozensets(st.sampled_from([c for c in Command if c is not Command.HOLD]))


def _order(command: Command, cluster: str | None = "mec-b") -> CommandOrder:
    return CommandOrder(command=command, actor=ANN, cluster=cluster)


def _asking(*commands: Command) -> Desk:
    desk = Desk()
    desk.ask(frozenset(commands))
    return desk


def test_the_first_cancel_is_kept() -> None:
    """Who cancelled first stands in the record."""
    desk = Desk()
    desk.cancel(ANN)
    desk.cancel(Actor(who="bob"))
    assert desk.cancelled_by == ANN


def test_a_hold_is_always_taken_and_says_what_it_does() -> None:
    """Whatever the run waits for."""
    for desk in (Desk(), _asking(Command.RETRY)):
        assert desk.why_not(_order(Command.HOLD)) is None
        assert desk.take(_order(Command.HOLD)) == (
            "held by ann: maintenance; it will not go forward, and can still go back"
        )
        assert desk.held_by == ANN


def test_proceed_ends_a_hold_and_answers_nothing() -> None:
    """Nobody had asked: the run just goes on."""
    desk = Desk()
    desk.take(_order(Command.HOLD))
    assert desk.why_not(_order(Command.PROCEED)) is None
    assert desk.take(_order(Command.PROCEED)) == "going on by ann: maintenance"
    assert (desk.held_by, desk.answered) == (None, False)


def test_proceed_answers_when_it_was_asked_for_and_ends_a_hold_as_well() -> None:
    """One word is enough."""
    desk = _asking(Command.PROCEED)
    desk.take(_order(Command.HOLD))
    desk.take(_order(Command.PROCEED))
    assert (desk.held_by, desk.answered) == (None, True)


def test_an_answer_is_given_once() -> None:
    """After it the question is over, and nothing is answered."""
    desk = _asking(Command.RETRY, Command.ABANDON)
    desk.take(_order(Command.RETRY))
    assert desk.answer().command is Command.RETRY
    assert (desk.answered, desk.asks_for) == (False, frozenset())
    with pytest.raises(LookupError):
        desk.answer()


def test_a_new_question_forgets_the_old_answer() -> None:
    """An answer that came too late is not taken for the next question's."""
    desk = _asking(Command.RETRY)
    desk.take(_order(Command.RETRY))
    desk.ask(frozenset({Command.ABANDON}))
    assert not desk.answered


def test_settle_needs_its_cluster() -> None:
    """On which side, must be said."""
    desk = _asking(Command.SETTLE)
    assert desk.why_not(_order(Command.SETTLE, None)) == "settle needs the cluster to settle on"
    assert desk.why_not(_order(Command.SETTLE)) is None


@given(ASKED, COMMANDS, st.booleans())
def test_only_what_means_something_is_taken(asked: frozenset[Command], command: Command, held: bool) -> None:
    """Hold always, proceed when held, and what was asked for; a refusal names what can be said."""
    desk = _asking(*asked)
    desk.held_by = ANN if held else None
    reason = desk.why_not(_order(command))
    meant = command is Command.HOLD or command in asked or (command is Command.PROCEED and held)
    assert (reason is None) == meant
    if reason is not None:
        assert all(each in reason for each in asked)


@given(st.lists(COMMANDS, max_size=12))
def test_a_held_desk_is_one_whose_last_word_was_hold(commands: list[Command]) -> None:
    """Whatever sequence of allowed commands came."""
    desk, last = _asking(*Command), None
    for command in commands:
        if desk.why_not(_order(command)) is None:
            desk.take(_order(command))
            last = command
    assert (desk.held_by is not None) == (last is Command.HOLD)
