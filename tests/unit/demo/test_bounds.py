# SPDX-License-Identifier: Apache-2.0
"""Exact binomial bounds, against published values."""

import math

import pytest
from hypothesis import given, strategies as st

from relocate.demo.report.bounds import interval, most_likely_below


@given(st.integers(min_value=1, max_value=10**7))
def test_nothing_lost_among_n_is_a_little_less_than_three_in_n(trials: int) -> None:
    """The rule of three is the limit of the exact bound, and never below it."""
    bound = most_likely_below(0, trials)
    assert bound <= 3 / trials
    assert math.isclose((1 - bound) ** trials, 0.05, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.3084971),
        (1, 100, 0.0002531, 0.0544594),
        (10, 100, 0.0490047, 0.1762226),
        (5, 10, 0.1870861, 0.8129139),
        (10, 10, 0.6915029, 1.0),
    ],
)
def test_the_two_sided_interval_is_clopper_and_pearsons(events: int, trials: int, low: float, high: float) -> None:
    """Values as printed by R's binom.test."""
    assert interval(events, trials) == pytest.approx((low, high), abs=1e-6)


@given(st.integers(min_value=1, max_value=20_000), st.data())
def test_the_interval_holds_what_was_seen(trials: int, data: st.DataObject) -> None:
    """The observed share lies within, for any count."""
    events = data.draw(st.integers(min_value=0, max_value=min(trials, 300)))
    low, high = interval(events, trials)
    assert 0 <= low <= events / trials <= high <= 1


@pytest.mark.parametrize(("events", "trials"), [(1, 0), (-1, 5), (6, 5), (0, 0)])
def test_counts_that_make_no_sense_are_refused(events: int, trials: int) -> None:
    """And the text says what is allowed."""
    with pytest.raises(ValueError, match="events: must be from 0 to trials"):
        interval(events, trials)
