# SPDX-License-Identifier: Apache-2.0
"""Accounts are conserved: every request that was due is in exactly one of right, wrong, failed, missing."""

import pytest
from hypothesis import given, strategies as st

from relocate.demo.report.accounts import Accounts, due_in, longest_gap_ms
from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.record import Event, Outcome, Record, Recording
from relocate.demo.traffic.timetable import Timetable

MS = 1_000_000
TABLE = Timetable("ue-1.http1.edge-1", "ue-1", Protocol.HTTP1, "edge-1", 1_000 * MS, 100 * MS)


def record(slot: int, outcome: Outcome = Outcome.RIGHT, latency_ms: float = 5.0, timetable: int = 0) -> Record:
    """One request's end."""
    concluded = None if outcome is Outcome.MISSING else latency_ms
    error = None if outcome is Outcome.RIGHT else str(outcome)
    return Record(timetable, slot, TABLE.due_ns(slot), concluded, outcome, "a-1", "mec-a", error=error)


def window(first: int, slots: int) -> tuple[int, int]:
    """From the first slot's due time, for so many slots."""
    return TABLE.due_ns(first), TABLE.due_ns(first + slots)


@given(st.lists(st.sampled_from(["unrecorded", *Outcome]), max_size=40))
def test_what_was_due_is_the_sum_of_its_outcomes(fates: list[str]) -> None:
    """Whatever became of each slot, and whether or not it was recorded, the account adds up to what was due."""
    records = [record(slot, Outcome(fate)) for slot, fate in enumerate(fates) if fate != "unrecorded"]
    account = Accounts(Recording((TABLE,), tuple(records)), [window(0, len(fates))]).account() if fates else None
    if account is not None:
        assert account.sent == len(fates) == account.right + account.wrong + account.failed + account.missing
        assert account.missing == fates.count("unrecorded") + fates.count("missing")


def test_a_request_belongs_to_the_window_in_which_it_was_due() -> None:
    """However late it was answered."""
    recording = Recording((TABLE,), (record(0), record(1, latency_ms=500.0), record(2)))
    assert [found.slot for found in due_in(recording, window(1, 1))] == [1]


def test_nothing_is_due_after_the_traffic_ended() -> None:
    """A window that outlasts the traffic counts what was due until its end."""
    recording = Recording((TABLE,), (record(0), record(1)), (Event("end", TABLE.due_ns(2)),))
    assert len(due_in(recording, window(0, 50))) == 2


def test_traffic_that_was_killed_is_missing_until_the_windows_end() -> None:
    """Without an end in the recording, what was due and not recorded is missing."""
    account = Accounts(Recording((TABLE,), (record(0), record(1))), [window(0, 50)]).account()
    assert (account.right, account.missing) == (2, 48)


def test_a_request_that_is_recorded_twice_is_an_error() -> None:
    """It would be counted twice."""
    with pytest.raises(ValueError, match="slot 0 of timetable 0 is recorded twice"):
        due_in(Recording((TABLE,), (record(0), record(0, Outcome.FAILED))), window(0, 1))


def test_an_outage_is_as_long_as_the_gap_it_leaves() -> None:
    """Five slots failed: 600 ms from answer to answer, less the period."""
    records = [record(slot, Outcome.FAILED if 3 <= slot < 8 else Outcome.RIGHT) for slot in range(12)]
    assert longest_gap_ms(records, TABLE.period_ns) == 500.0


def test_steady_answers_leave_no_gap() -> None:
    """The period itself is no gap."""
    assert longest_gap_ms([record(slot) for slot in range(5)], TABLE.period_ns) == 5.0


def test_an_outage_at_either_end_is_not_hidden() -> None:
    """The first and the last request due stand for the answers outside."""
    first = [record(slot, Outcome.FAILED if slot < 3 else Outcome.RIGHT, 0.0) for slot in range(6)]
    last = [record(slot, Outcome.RIGHT if slot < 3 else Outcome.MISSING, 0.0) for slot in range(6)]
    assert longest_gap_ms(first, TABLE.period_ns) == 300.0
    assert longest_gap_ms(last, TABLE.period_ns) == 300.0


def test_a_gap_does_not_span_two_windows() -> None:
    """What lies between two drives is nobody's outage."""
    recording = Recording((TABLE,), tuple(record(slot, latency_ms=1.0) for slot in range(30)))
    accounts = Accounts(recording, [window(0, 5), window(20, 5)])
    assert accounts.account().longest_gap_ms == 1.0


def test_an_outage_through_one_gateway_is_not_hidden_by_the_other() -> None:
    """Gaps are looked for on each timetable alone."""
    other = Timetable("ue-1.http1.edge-2", "ue-1", Protocol.HTTP1, "edge-2", TABLE.start_ns, TABLE.period_ns)
    through_one = [record(slot, Outcome.RIGHT if slot < 2 else Outcome.FAILED, 0.0) for slot in range(10)]
    through_other = [record(slot, latency_ms=0.0, timetable=1) for slot in range(10)]
    recording = Recording((TABLE, other), (*through_one, *through_other))
    assert Accounts(recording, [window(0, 10)]).account().longest_gap_ms == 800.0


def test_cut_streams_are_counted_by_protocol_and_window() -> None:
    """A stream cut outside of the windows is not counted."""
    cuts = (Event("cut", TABLE.due_ns(1), 0), Event("cut", TABLE.due_ns(40), 0), Event("cell", TABLE.due_ns(1)))
    accounts = Accounts(Recording((TABLE,), tuple(record(slot) for slot in range(3)), cuts), [window(0, 3)])
    assert accounts.account().cut == accounts.per_protocol()[Protocol.HTTP1].cut == 1


def test_reasons_are_counted() -> None:
    """In the client's words, the most frequent first."""
    records = (record(0), record(1, Outcome.WRONG), record(2, Outcome.FAILED), record(3, Outcome.FAILED))
    accounts = Accounts(Recording((TABLE,), records), [window(0, 4)])
    assert list(accounts.reasons().items()) == [("failed", 2), ("wrong", 1)]
