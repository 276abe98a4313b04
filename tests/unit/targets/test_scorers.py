# SPDX-License-Identifier: Apache-2.0
import pytest

from relocate.model.application import Requirements
from relocate.targets import scorers


@pytest.mark.parametrize(("measured", "score"), [(0.0, 100), (5.0, 75), (20.0, 0), (40.0, 0), (None, 0)])
def test_latency_falls_to_the_limit(candidate, measured, score):
    """Latency scores 100 at none and 0 at the limit; beyond it, and unknown, 0."""
    assert scorers.latency(candidate("mec-b", latency_ms=measured), 20.0) == score


@pytest.mark.parametrize(
    ("free", "score"), [((1000, 1000), 100), ((600, 1000), 75), ((100, 100), 0), ((None, 1000), 50), ((None, None), 0)]
)
def test_capacity_counts_what_stays_free(candidate, free, score):
    """Capacity is what stays free against plenty; what is unknown counts nothing."""
    found = candidate("mec-b", cpu_free_millicores=free[0], memory_free_mib=free[1])
    taken = Requirements(cpu_millicores=100, memory_mib=100)
    assert scorers.capacity(found, taken, plenty_millicores=900 if free[0] != 600 else 1000, plenty_mib=900) == score


def test_mean_is_weighted():
    """Each score counts by its weight."""
    assert scorers.mean({"latency": 100.0, "capacity": 0.0}, {"latency": 3.0, "capacity": 1.0}) == 75
