# SPDX-License-Identifier: Apache-2.0
"""What may be claimed from samples."""

import math

import pytest
from hypothesis import given, strategies as st

from relocate.prober.claim import rate_bound, sentence, summed
from relocate.prober.coverage import coverage
from relocate.prober.judgement import of_code, of_health, of_http
from relocate.prober.records import Result, Second


def test_without_failures_the_bound_is_some_three_over_n() -> None:
    """The exact bound for zero failures, and the rule of thumb beside it."""
    assert rate_bound(59) == pytest.approx(1 - 0.05 ** (1 / 59))
    assert rate_bound(1000) == pytest.approx(3 / 1000, rel=0.01)
    assert rate_bound(10**9) == pytest.approx(3e-9, rel=0.01)


def test_no_samples_bound_nothing() -> None:
    """Nothing seen allows for anything."""
    assert rate_bound(0) == 1.0
    assert rate_bound(5, 5) == 1.0


@pytest.mark.parametrize(("samples", "failures", "bound"), [(10, 1, 0.39416), (100, 3, 0.07571), (20, 10, 0.69805)])
def test_with_failures_the_bound_is_that_of_the_tables(samples: int, failures: int, bound: float) -> None:
    """One-sided 95 % limits of Clopper and Pearson."""
    assert rate_bound(samples, failures) == pytest.approx(bound, abs=1e-5)


@given(st.integers(1, 500), st.data())
def test_the_bound_is_where_so_few_failures_become_unlikely(samples: int, data: st.DataObject) -> None:
    """At the bound, as few failures as were seen would come up once in twenty times."""
    failures = data.draw(st.integers(0, samples - 1))
    bound = rate_bound(samples, failures)
    seen = sum(math.comb(samples, k) * bound**k * (1 - bound) ** (samples - k) for k in range(failures + 1))
    assert failures / samples < bound < 1
    assert seen == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize("arguments", [(5, 6), (-1,), (5, -1), (5, 0, 1.0)])
def test_impossible_counts_are_a_mistake(arguments: tuple[int, ...]) -> None:
    """More failures than samples are no question."""
    with pytest.raises(ValueError, match="failures: 0 to the number of samples"):
        rate_bound(*arguments)


def test_the_sentence_says_how_sure_it_is() -> None:
    """Counts, bound, resolution, and holes if there are any."""
    records = [
        Second(vantage="edge-1", second=second, due=20, sent=20, right=20, max_gap_ms=70, max_send_gap_ms=61)
        for second in range(100, 110)
    ]
    seen = coverage(records, vantages=["edge-1"], period=0.05, since=100, until=110)
    assert sentence(summed(records), seen, 0.05) == (
        "sampled every 50 ms for 10 s: 200 sent, 0 failed, 0 wrong (with 95% confidence fewer than 1.49%), longest gap"
        " 70 ms; an outage shorter than 61 ms may have been missed"
    )
    holed = coverage(records, vantages=["edge-1", "edge-2"], period=0.05, since=100, until=110)
    assert sentence(summed(records), holed, 0.05).endswith("; 1 holes, so this is inconclusive")


@pytest.mark.parametrize(
    ("status", "side", "result"),
    [
        (200, "mec-a", Result.RIGHT),
        (204, "mec-b", Result.RIGHT),
        (200, "mec-c", Result.WRONG),
        (200, "", Result.WRONG),
        (302, "mec-a", Result.WRONG),
        (404, "mec-a", Result.WRONG),
        (499, "mec-a", Result.WRONG),
        (500, "mec-a", Result.FAILED),
        (503, "", Result.FAILED),
    ],
)
def test_http_answers_are_judged(status: int, side: str, result: Result) -> None:
    """5xx failed; whatever is not 2xx from a side of ours is wrong."""
    assert of_http(status, side, {"mec-a", "mec-b"}) is result


def test_any_named_side_may_answer_where_none_is_demanded() -> None:
    """Without a list of sides, the gateway must still name one."""
    assert of_http(200, "anybody", None) is Result.RIGHT
    assert of_http(200, "", None) is Result.WRONG


def test_grpc_answers_are_judged() -> None:
    """Only SERVING is right; codes that blame the request are wrong, all others failed."""
    assert of_health("SERVING", "mec-a", None) is Result.RIGHT
    assert of_health("SERVING", "", None) is Result.WRONG
    assert of_health("NOT_SERVING", "mec-a", None) is Result.FAILED
    assert of_code("UNIMPLEMENTED") is Result.WRONG
    assert of_code("UNAVAILABLE") is Result.FAILED
    assert of_code("DEADLINE_EXCEEDED") is Result.FAILED
