# SPDX-License-Identifier: Apache-2.0
"""Latency histograms."""

import math

import pytest
from hypothesis import given, strategies as st

from relocate.prober.histogram import LAST, RELATIVE_ERROR, Histogram, added, bucket, of, upper_bound

latencies = st.floats(0.11, 90_000)


@given(st.lists(latencies, min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_near_the_sample_of_its_rank(samples: list[float], fraction: float) -> None:
    """The estimate is within the stated relative error of the true nearest-rank quantile."""
    true = sorted(samples)[max(1, math.ceil(fraction * len(samples))) - 1]
    estimate = of(samples).quantile(fraction)
    assert estimate is not None
    assert estimate / true <= 1 + RELATIVE_ERROR + 1e-9
    assert true / estimate <= 1 + RELATIVE_ERROR + 1e-9


@given(st.lists(st.lists(st.floats(0, 1e6), max_size=50), max_size=5))
def test_adding_histograms_is_adding_samples(parts: list[list[float]]) -> None:
    """Merging loses and invents nothing, in whatever portions samples came."""
    whole = of(sample for part in parts for sample in part)
    assert added(of(part) for part in parts) == whole
    assert whole.total == sum(map(len, parts))


@given(st.floats(0, 1e7))
def test_each_latency_is_within_its_bucket(latency: float) -> None:
    """Buckets do not overlap and leave nothing out."""
    number = bucket(latency)
    assert 0 <= number <= LAST
    assert latency <= upper_bound(number) * (1 + 1e-9)
    assert number == 0 or latency > upper_bound(number - 1) * (1 - 1e-9)


def test_no_samples_have_no_quantile() -> None:
    """Nothing measured is None, not zero; a fraction out of range is a mistake."""
    assert Histogram().quantile(0.99) is None
    with pytest.raises(ValueError, match="within 0 and 1"):
        Histogram().quantile(1.1)


def test_a_histogram_survives_json() -> None:
    """What is stored is what is read."""
    histogram = of([0.01, 1, 2, 1e9])
    assert Histogram.model_validate_json(histogram.model_dump_json()) == histogram
    assert histogram.quantile(1) == pytest.approx(upper_bound(LAST - 1))
