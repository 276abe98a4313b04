# SPDX-License-Identifier: Apache-2.0
"""What counts as seen of a side."""

from relocate.prober.records import Second, SideCount
from relocate.prober.sampling import UNATTRIBUTED, sample_of

SWITCHED = 100.4


def seen(second: int, **by_side: int) -> Second:
    """One second of one vantage: right answers by side; `nobody` are failures that no side answered."""
    counts = {name: SideCount(count=count) for name, count in by_side.items() if name != "nobody"}
    if "nobody" in by_side:
        counts[UNATTRIBUTED] = SideCount(count=by_side["nobody"], errors=by_side["nobody"])
    return Second(vantage="edge-1", second=second, by_side=counts)


def test_failures_that_nobody_answered_count_against_whoever_is_judged() -> None:
    """A side that answers nobody is not seen by name."""
    sample = sample_of([seen(101, b=10, nobody=3)], "b", SWITCHED)
    assert (sample.requests, sample.errors) == (13, 3)


def test_failures_in_the_second_that_the_switch_cuts_are_not_the_new_sides() -> None:
    """They may be those of the side that was left; its own right answers in that second count."""
    sample = sample_of([seen(100, a=2, b=8, nobody=9), seen(101, b=20)], "b", SWITCHED)
    assert (sample.requests, sample.errors) == (28, 0)
