# SPDX-License-Identifier: Apache-2.0
"""What counts as seen of a side."""

from relocate.evidence.last_check import why_not_watched
from relocate.evidence.rows import rows_of
from relocate.evidence.samples import CheckedSeconds
from relocate.model.application import Judging
from relocate.phases.judging import Judged, Judgement, Sample
from relocate.prober.records import Second, SideCount
from relocate.prober.sampling import UNATTRIBUTED, judge_seen, sample_of

SWITCHED = 100.4


def seen(second: int, *, unreached: int = 0, **by_side: int) -> Second:
    """One second of one vantage: right answers by side; `nobody` are failures that no side answered.

    Of these, `unreached` were not taken by the gateway instance.
    """
    counts = {name: SideCount(count=count) for name, count in by_side.items() if name != "nobody"}
    if "nobody" in by_side:
        counts[UNATTRIBUTED] = SideCount(count=by_side["nobody"], errors=by_side["nobody"])
    return Second(vantage="edge-1", second=second, by_side=counts, unreached=unreached)


def test_failures_that_nobody_answered_count_against_whoever_is_judged() -> None:
    """A side that answers nobody is not seen by name."""
    sample = sample_of([seen(101, b=10, nobody=3)], "b", SWITCHED)
    assert (sample.requests, sample.errors) == (13, 3)


def test_failures_in_the_second_that_the_switch_cuts_are_not_the_new_sides() -> None:
    """They may be those of the side that was left; its own right answers in that second count."""
    sample = sample_of([seen(100, a=2, b=8, nobody=9), seen(101, b=20)], "b", SWITCHED)
    assert (sample.requests, sample.errors) == (28, 0)


def test_requests_that_no_gateway_instance_took_are_failures_of_no_side() -> None:
    """The gateway instance has died, and nobody asked the side; what it took before and lost still counts."""
    sample = sample_of([seen(101, b=20, nobody=13, unreached=12)], "b", SWITCHED)
    assert (sample.requests, sample.errors, sample.unreached) == (21, 1, {"edge-1": 12})


def judged(*seconds: Second, max_error_rate: float = 0.1) -> Judged:
    """What is said of b, without a baseline."""
    limits = Judging(max_error_rate=max_error_rate, min_samples=10)
    none = Sample()
    return judge_seen(limits, "b", None, seconds, since=SWITCHED, whole=False, counted=none, own=None)


def test_a_dead_gateway_instance_is_told_as_what_it_is() -> None:
    """It speaks against going on, and the sentence does not blame the side."""
    told = judged(seen(101, b=20), seen(102, nobody=14, unreached=14))
    assert told.judgement is Judgement.BAD
    assert told.sentence == (
        "14 of 34 requests were not taken by gateway instance edge-1, whatever b answers; 10.0% may fail"
    )


def test_a_side_that_died_behind_a_live_gateway_instance_is_blamed() -> None:
    """The gateway instance took the requests, and nobody answered them."""
    told = judged(seen(101, b=20), seen(102, nobody=14))
    assert (told.judgement, told.sentence) == (Judgement.BAD, "b failed 14 of 34 requests; 10.0% are allowed")


def test_the_last_check_minds_requests_that_no_gateway_instance_took() -> None:
    """Nothing is removed while users find nobody, whoever is to blame."""
    sample = sample_of([seen(101, b=20, nobody=14, unreached=14)], "b", SWITCHED)
    rows = rows_of([], SWITCHED, 103)
    seconds = CheckedSeconds(side="b", rows=rows, sample=sample, max_error_rate=0.1)
    assert why_not_watched(seconds) == (
        "the prober saw since the switch that 14 of 34 requests were not taken by gateway instance edge-1"
    )
