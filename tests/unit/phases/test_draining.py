# SPDX-License-Identifier: Apache-2.0
"""When nobody uses a side any more."""

from hypothesis import given, strategies as st

from relocate.phases.draining import DrainState, count, counted, is_drained
from steering.model import InstanceUsage


def _usage(in_flight: int | None, total: int | None, instance: str = "edge-1") -> InstanceUsage:
    return InstanceUsage(
        instance=instance, in_flight=in_flight, requests_total=total, reason="" if total else "no answer"
    )


QUIET = [_usage(0, 7)]
COUNTS = st.tuples(st.none() | st.integers(0, 2), st.none() | st.integers(0, 3))


def _counted(*counts: list[InstanceUsage]) -> DrainState:
    state = DrainState()
    for second, usage in enumerate(counts):
        state = count(state, usage, float(second))
    return state


def test_nothing_counted_is_not_drained() -> None:
    """A new drain, and a count of no instance at all, prove nothing."""
    assert not is_drained(DrainState(), 100, 0)
    state = _counted(QUIET, QUIET, [])
    assert (state.quiet_since, state.left) == (None, None)
    assert "no gateway instance was counted" in state.sentence


def test_without_a_window_one_empty_count_is_enough() -> None:
    """No time is asked for in which nothing may come; what is open still keeps it from being drained."""
    assert is_drained(_counted(QUIET), 0, 0)
    assert not is_drained(_counted([_usage(1, 7)]), 0, 0)


def test_one_count_cannot_say_that_nothing_came_in_a_window() -> None:
    """New requests are told by comparing two counts; the window begins with the first of them."""
    assert not is_drained(_counted(QUIET), 0, 0.5)
    assert is_drained(_counted(QUIET, QUIET), 1, 0.5)


def test_the_window_is_reached_to_the_moment() -> None:
    """Quiet since second 0: a window of 3 is over at 3, not before."""
    state = _counted(QUIET, QUIET, QUIET)
    assert not is_drained(state, 2.999, 3)
    assert is_drained(state, 3, 3)


def test_a_new_request_starts_the_window_anew() -> None:
    """Nobody is in flight now, and somebody was in between."""
    assert _counted(QUIET, QUIET, [_usage(0, 8)]).quiet_since == 2
    assert _counted(QUIET, QUIET, [_usage(0, 8)], [_usage(0, 8)]).quiet_since == 2
    assert _counted(QUIET, QUIET, [_usage(1, 8)]).quiet_since is None


def test_unknown_is_not_zero() -> None:
    """One instance that cannot be counted starts the window anew, with its name."""
    state = _counted(QUIET, QUIET, [_usage(0, 7), _usage(None, None, "edge-2")])
    assert (state.quiet_since, state.left) == (None, None)
    assert state.sentence == "unknown is not zero: edge-2: no answer"


def test_an_instance_that_appears_starts_the_window_anew() -> None:
    """What another instance did before it was counted is not known."""
    state = _counted(QUIET, QUIET, [*QUIET, _usage(0, 7, "edge-2")])
    assert state.quiet_since == 2


def test_what_is_left_is_summed_over_instances() -> None:
    """Streams on both instances are left."""
    state = _counted([_usage(2, 7), _usage(1, 7, "edge-2")])
    assert (state.left, state.sentence) == (3, "3 requests and streams are still open on it")


@given(st.lists(st.lists(COUNTS, max_size=2), min_size=1, max_size=6))
def test_quiet_means_the_last_two_counts_are_known_equal_and_empty(
    history: list[list[tuple[int | None, int | None]]],
) -> None:
    """Whatever was counted before, a window needs two full counts running, equal, with nothing in flight in either."""
    counts = [[_usage(f, t, f"edge-{number}") for number, (f, t) in enumerate(one)] for one in history]
    state = _counted(*counts)
    if is_drained(state, len(history) - 1.0, 0.5):
        *_, before, last = history
        assert last
        assert all(in_flight == 0 and total is not None for in_flight, total in [*before, *last])
        assert [total for _, total in before] == [total for _, total in last]


def test_routes_are_counted_side_by_side() -> None:
    """The same gateway instance carries several routes: each is counted under a name of its own."""
    usage = counted({"edge/web": [_usage(1, 2)], "edge/grpc": [_usage(0, 5)]})
    assert [(one.instance, one.in_flight) for one in usage] == [("edge/web at edge-1", 1), ("edge/grpc at edge-1", 0)]
