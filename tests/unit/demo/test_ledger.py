# SPDX-License-Identifier: Apache-2.0
"""The ledger: due = right + wrong + failed + missing, whatever happens in whatever order."""

from collections import Counter

from hypothesis import given, strategies as st

from relocate.demo.traffic.ledger import failed, wrong
from relocate.demo.traffic.record import Outcome
from tests.unit.demo.doubles import ANSWER, MS, TABLE, Desk

ENDS = st.lists(st.tuples(st.integers(min_value=0, max_value=19), st.sampled_from(["right", "wrong", "failed"])))


@given(st.integers(min_value=0, max_value=20), ENDS)
def test_every_ticket_ends_as_exactly_one_outcome(due: int, ends: list[tuple[int, str]]) -> None:
    """Conclusions in any order, repeated or left out: each slot is recorded once, and the sum is what was due."""
    desk = Desk()
    tickets = [desk.ledger.enter(0, TABLE, slot) for slot in range(due)]
    for slot, end in ends:
        if slot < due and end == "right":
            desk.ledger.right(tickets[slot], ANSWER)
        elif slot < due:
            desk.ledger.not_right(tickets[slot], failed("x") if end == "failed" else wrong("x"))
    desk.ledger.close()
    assert desk.ledger.due == due == desk.ledger.outcomes.total() == len(desk.records)
    assert Counter(record.slot for record in desk.records) == Counter(range(due))
    assert desk.ledger.outstanding == 0


def test_latency_counts_from_the_due_time() -> None:
    """Not from when it could be sent."""
    desk = Desk()
    ticket = desk.ledger.enter(0, TABLE, 3)
    desk.now_ns = TABLE.due_ns(3) + 42 * MS
    desk.ledger.right(ticket, ANSWER)
    assert desk.records[0].latency_ms == 42.0
    assert desk.records[0].concluded_ns == desk.now_ns


def test_an_answer_after_the_time_out_does_not_undo_the_failure() -> None:
    """The first conclusion stands."""
    desk = Desk()
    ticket = desk.ledger.enter(0, TABLE, 0)
    desk.ledger.not_right(ticket, failed("no answer within 2000 ms"))
    desk.ledger.right(ticket, ANSWER)
    assert [record.outcome for record in desk.records] == [Outcome.FAILED]
