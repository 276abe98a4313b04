# SPDX-License-Identifier: Apache-2.0
"""Whether B is as good as A was."""

import pytest
from hypothesis import given, strategies as st

from relocate.model.application import Judging
from relocate.phases.judging import (
    FAILED_ROUNDS,
    Judgement,
    Sample,
    judge,
    judge_checks,
    judge_counted,
    judge_fallback,
    slow_by_chance,
)

LIMITS = Judging(max_error_rate=0.1, max_p99_ratio=2, max_p99_slack_seconds=0.05, min_samples=20)
BASELINE = Sample(requests=100, errors=0, p99_seconds=0.1)
SAMPLES = st.builds(
    lambda requests, share, p99: Sample(requests=requests, errors=int(requests * share), p99_seconds=p99),
    st.integers(min_value=0, max_value=200),
    st.floats(min_value=0, max_value=1),
    st.none() | st.floats(min_value=0, max_value=5),
)


def _judged(side: Sample, baseline: Sample = BASELINE) -> Judgement:
    return judge(LIMITS, baseline, side, "mec-b").judgement


def test_enough_good_answers_are_good() -> None:
    """B answered often enough, failed seldom enough and fast enough."""
    assert _judged(Sample(requests=20, errors=2, p99_seconds=0.25)) is Judgement.GOOD


def test_nothing_over_nothing_is_neither_good_nor_bad() -> None:
    """No request, no judgement; an error rate over nothing is no success."""
    assert _judged(Sample()) is Judgement.INCONCLUSIVE
    assert _judged(Sample(), Sample()) is Judgement.INCONCLUSIVE


@pytest.mark.parametrize(("requests", "judgement"), [(19, Judgement.INCONCLUSIVE), (20, Judgement.GOOD)])
def test_the_minimum_of_samples_is_reached_to_the_request(requests: int, judgement: Judgement) -> None:
    """Twenty are needed: nineteen hold, twenty decide."""
    assert _judged(Sample(requests=requests, p99_seconds=0.1)) is judgement


@given(SAMPLES, SAMPLES)
def test_a_good_word_needs_samples_on_both_sides(side: Sample, baseline: Sample) -> None:
    """Whatever the numbers, good is said only with the minimum of samples on each side, and a p99 where any answered."""
    if _judged(side, baseline) is Judgement.GOOD:
        assert min(side.requests, baseline.requests) >= LIMITS.min_samples
        assert side.p99_seconds is not None
        assert baseline.p99_seconds is not None or baseline.silent


@pytest.mark.parametrize(
    ("errors", "judgement"), [(0, Judgement.GOOD), (2, Judgement.GOOD), (3, Judgement.BAD), (20, Judgement.BAD)]
)
def test_a_source_that_answers_nothing_lends_its_errors_to_nobody(errors: int, judgement: Judgement) -> None:
    """A died before the switch: B is held to the limit alone, and not made to wait for a baseline that never comes."""
    dead = Sample(requests=100, errors=100)
    assert _judged(Sample(requests=20, errors=errors, p99_seconds=3), dead) is judgement
    counted = judge_counted(LIMITS, dead, Sample(requests=20, errors=errors), "mec-b")
    assert (counted is not None) is (judgement is Judgement.BAD)


@given(SAMPLES, SAMPLES, st.integers(min_value=1, max_value=50))
def test_more_errors_never_make_it_better(side: Sample, baseline: Sample, more: int) -> None:
    """What is bad stays bad with further failures."""
    worse = side.model_copy(update={"requests": side.requests + more, "errors": side.errors + more})
    if _judged(side, baseline) is Judgement.BAD and side.requests >= LIMITS.min_samples and side.error_rate > 0.2:
        assert _judged(worse, baseline) is Judgement.BAD


def test_errors_are_judged_at_the_limit() -> None:
    """Exactly the allowed share is allowed; one more is not."""
    assert _judged(Sample(requests=100, errors=10, p99_seconds=0.1)) is Judgement.GOOD
    assert _judged(Sample(requests=100, errors=11, p99_seconds=0.1)) is Judgement.BAD


def test_bad_is_said_before_all_samples_are_in() -> None:
    """Three errors of twenty cannot be within 10 % any more, even if the missing seventeen were right."""
    assert _judged(Sample(requests=3, errors=3)) is Judgement.BAD
    assert _judged(Sample(requests=3, errors=2)) is Judgement.INCONCLUSIVE


def test_the_baselines_own_errors_are_granted() -> None:
    """B may fail as often as A did, and `max_error_rate` more."""
    baseline = Sample(requests=100, errors=20, p99_seconds=0.1)
    assert _judged(Sample(requests=100, errors=30, p99_seconds=0.1), baseline) is Judgement.GOOD
    assert _judged(Sample(requests=100, errors=31, p99_seconds=0.1), baseline) is Judgement.BAD


@pytest.mark.parametrize(("p99", "judgement"), [(0.25, Judgement.GOOD), (0.2501, Judgement.BAD)])
def test_latency_is_judged_at_ratio_and_slack(p99: float, judgement: Judgement) -> None:
    """Twice A's 100 ms and 50 ms more: 250 ms is the limit."""
    assert _judged(Sample(requests=50, p99_seconds=p99)) is judgement


def test_latency_is_judged_by_what_is_certain() -> None:
    """A p99 of few samples is the slowest of them: what counts is the latency that it is at least."""
    side = Sample(requests=50, p99_seconds=3.0, p99_at_least_seconds=0.2)
    assert _judged(side) is Judgement.GOOD
    assert _judged(side.model_copy(update={"p99_at_least_seconds": 0.3})) is Judgement.BAD


@pytest.mark.parametrize(("samples", "slow"), [(0, 0), (1, 0), (2, 1), (80, 3), (1000, 18)])
def test_chance_grants_a_few_slow_answers(samples: int, slow: int) -> None:
    """The 99 % quantile of the binomial distribution with a share of 1 %."""
    assert slow_by_chance(samples) == slow


@given(st.integers(min_value=0, max_value=2000))
def test_more_samples_never_grant_fewer_slow_answers(samples: int) -> None:
    """And never more than there are."""
    assert slow_by_chance(samples) <= min(samples, slow_by_chance(samples + 1))


@pytest.mark.parametrize("baseline", [Sample(requests=19, p99_seconds=0.1), Sample(requests=50, p99_seconds=None)])
def test_without_a_baseline_latency_holds(baseline: Sample) -> None:
    """Nothing to compare with is inconclusive, not good."""
    assert _judged(Sample(requests=50, p99_seconds=0.1), baseline) is Judgement.INCONCLUSIVE


def test_without_a_baseline_an_operator_may_let_errors_alone_decide() -> None:
    """Judged alone, slow answers are no matter and errors are."""
    side = Sample(requests=20, errors=0, p99_seconds=30)
    missing = judge(LIMITS, Sample(), side, "mec-b")
    assert missing.judgement is Judgement.INCONCLUSIVE
    assert judge(LIMITS, None, side, "mec-b").judgement is Judgement.GOOD
    failing = Sample(requests=20, errors=20)
    assert judge(LIMITS, None, failing, "mec-b").judgement is Judgement.BAD
    assert judge_counted(LIMITS, None, failing, "mec-b") is not None


@given(SAMPLES)
def test_users_counters_condemn_and_never_acquit(counted: Sample) -> None:
    """Counted errors beyond the limit are bad; whatever else was counted says nothing."""
    judged = judge_counted(LIMITS, BASELINE, counted, "mec-b")
    assert judged is None or judged.judgement is Judgement.BAD
    assert (judged is not None) == (counted.errors / max(20, counted.requests) > 0.1)


def test_one_fall_back_is_bad() -> None:
    """With all the weight, a single answer from elsewhere says that B did not serve."""
    assert judge_fallback(0, 10, "mec-b") is None
    judged = judge_fallback(1, 10, "mec-b")
    assert judged is not None
    assert judged.judgement is Judgement.BAD


def test_failed_checks_count_from_the_third_round() -> None:
    """A round or two may be chance."""
    assert judge_checks(FAILED_ROUNDS - 1, "status 503", "mec-b") is None
    judged = judge_checks(FAILED_ROUNDS, "status 503", "mec-b")
    assert judged is not None
    assert (judged.judgement, "status 503" in judged.sentence) == (Judgement.BAD, True)
