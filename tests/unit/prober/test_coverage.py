# SPDX-License-Identifier: Apache-2.0
"""Watched intervals and holes."""

from hypothesis import given, strategies as st

from relocate.prober.coverage import Coverage, Hole, Interval, coverage
from relocate.prober.records import Second

TWO = ("edge-1", "edge-2")


def full(vantage: str, second: int, **changes: object) -> Second:
    """A second at 20 requests a second, all sent and right."""
    whole = {"due": 20, "sent": 20, "right": 20, "max_send_gap_ms": 51.0}
    return Second.model_validate({"vantage": vantage, "second": second, **whole, **changes})


def covered(seconds: list[Second], since: float = 100, until: float = 104, period: float = 0.05) -> Coverage:
    """The coverage of two vantages."""
    return coverage(seconds, vantages=TWO, period=period, since=since, until=until)


def whole(*leave_out: tuple[str, int]) -> list[Second]:
    """Seconds 100 to 103 of two vantages, without some."""
    return [
        full(vantage, second) for vantage in TWO for second in range(100, 104) if (vantage, second) not in leave_out
    ]


def test_every_second_of_every_vantage_is_watched() -> None:
    """Complete records are one interval without a hole."""
    seen = covered(whole())
    assert seen.watched == (Interval(since=100, until=104),)
    assert seen.conclusive
    assert seen.longest_send_gap_ms == 51


def test_a_missing_second_of_one_vantage_is_a_hole() -> None:
    """What one gateway instance did not watch is not watched, though another did."""
    seen = covered(whole(("edge-2", 101)))
    assert seen.watched == (Interval(since=100, until=101), Interval(since=102, until=104))
    assert seen.holes == (Hole(vantage="edge-2", since=101, until=102, reason="no record"),)
    assert not seen.conclusive


def test_fewer_requests_than_demanded_are_a_hole() -> None:
    """Demanded is what the schedule says, or what the period demands of a whole second, whichever is more."""
    late = [*whole(("edge-1", 102)), full("edge-1", 102, sent=19)]
    assert covered(late).holes == (Hole(vantage="edge-1", since=102, until=103, reason="19 of 20 requests were sent"),)
    restarted = [*whole(("edge-1", 102)), full("edge-1", 102, due=7, sent=7), full("edge-1", 102, due=9, sent=9)]
    assert covered(restarted).holes[0].reason == "16 of 20 requests were sent"


def test_requests_not_waited_for_are_a_hole() -> None:
    """A watch that was cut off does not know what became of its last requests."""
    cut = [*whole(("edge-1", 103)), full("edge-1", 103, right=18, unfinished=2)]
    assert covered(cut).holes[0].reason == "2 requests were not waited for"


def test_failures_are_no_holes() -> None:
    """An outage that was watched is conclusive: conclusively bad."""
    assert covered([*whole(("edge-1", 103)), full("edge-1", 103, right=0, failed=20)]).conclusive


def test_holes_in_a_row_are_one() -> None:
    """A long hole is one line."""
    seen = covered(whole(("edge-1", 101), ("edge-1", 102), ("edge-2", 100)))
    assert [(hole.vantage, hole.since, hole.until) for hole in seen.holes] == [
        ("edge-1", 101, 103),
        ("edge-2", 100, 101),
    ]


def test_cut_seconds_at_the_ends_are_left_out() -> None:
    """Only whole seconds are judged."""
    assert covered(whole(("edge-1", 100)), since=100.2, until=103.9).watched == (Interval(since=101, until=103),)


def test_watching_nothing_is_not_conclusive() -> None:
    """No vantage, or no whole second, proves nothing."""
    assert not coverage(whole(), vantages=(), period=0.05, since=100, until=104).conclusive
    assert not covered(whole(), since=101.1, until=101.9).conclusive
    assert not covered(whole(), since=104, until=100).conclusive
    assert not covered([]).conclusive


def test_slow_schedules_demand_only_what_is_due() -> None:
    """With seconds between requests, a record without any is no hole; a missing record is."""
    records = [full(vantage, second, due=0, sent=0, right=0) for vantage in TWO for second in range(100, 104)]
    assert covered(records, period=2).conclusive
    assert not covered(records[1:], period=2).conclusive


@given(st.sets(st.tuples(st.sampled_from(TWO), st.integers(100, 119)), max_size=40))
def test_watched_and_holes_are_the_whole(missing: set[tuple[str, int]]) -> None:
    """Each second is watched by all, or in a hole of exactly those vantages that missed it."""
    records = [full(v, s) for v in TWO for s in range(100, 120) if (v, s) not in missing]
    seen = covered(records, until=120)
    watched = {second for interval in seen.watched for second in range(interval.since, interval.until)}
    holes = {(hole.vantage, second) for hole in seen.holes for second in range(hole.since, hole.until)}
    assert holes == missing
    assert watched == set(range(100, 120)) - {second for _, second in missing}
    assert seen.conclusive == (not missing)
