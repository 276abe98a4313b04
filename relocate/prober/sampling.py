# SPDX-License-Identifier: Apache-2.0
"""One side's share of what the prober saw: what a side is judged by."""

from collections import Counter
from collections.abc import Sequence

from relocate.model.application import Judging
from relocate.phases.judging import (
    Judged,
    Judgement,
    Sample,
    judge,
    judge_counted,
    judge_fallback,
    judge_gateways,
    slow_by_chance,
)
from relocate.prober.claim import summed
from relocate.prober.histogram import added
from relocate.prober.records import Second

UNATTRIBUTED = ""
"""Side of failures that no backend answered. Where a gateway instance had taken the request, nobody knows whose they were,
so they count against whoever is judged."""


def sample_of(seconds: Sequence[Second], side: str, nobody_since: float = 0.0) -> Sample:
    """One side's sample in these seconds.

    Failures that nobody answered are counted in whole seconds that began after `nobody_since`: in the second that a
    switch cuts, they may be those of the side that was left. Those that no gateway instance took are counted apart: they
    came to no side. A live gateway instance takes them and answers nothing where its side has died.
    """
    own = summed(seconds).by_side.get(side)
    later = [one for one in seconds if one.second >= nobody_since]
    unreached = _unreached(later)
    nobody = summed(later).by_side.get(UNATTRIBUTED)
    lost = nobody.count - sum(unreached.values()) if nobody else 0
    if own is None:
        return Sample(requests=lost, errors=lost, unreached=unreached)
    histogram = added([own.histogram])
    certain = 1 - slow_by_chance(histogram.total) / histogram.total if histogram.total else 0.0
    return Sample(
        requests=own.count + lost,
        errors=own.errors + lost,
        unreached=unreached,
        p99_seconds=_seconds(histogram.quantile(0.99)),
        p99_at_least_seconds=_seconds(histogram.quantile(max(certain, 0.5))),
    )


def _unreached(seconds: Sequence[Second]) -> dict[str, int]:
    """Requests that were not taken, by gateway instance."""
    found: Counter[str] = Counter()
    for second in seconds:
        found[second.vantage] += second.unreached
    return dict(sorted((+found).items()))


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def strays(seconds: Sequence[Second], side: str, after: float) -> tuple[int, int]:
    """Answers from elsewhere than `side`, and all answers, in whole seconds that began after `after`."""
    later = [second for second in seconds if second.second >= after]
    counts = {name: count.count for name, count in summed(later).by_side.items() if name != UNATTRIBUTED}
    return sum(count for name, count in counts.items() if name != side), sum(counts.values())


def judge_seen(
    limits: Judging,
    name: str,
    baseline: Sample | None,
    seconds: Sequence[Second],
    *,
    since: float,
    whole: bool,
    counted: Sample,
    own: Judged | None,
) -> Judged:
    """What all that was seen of side `name` says.

    Args:
        limits: what is allowed.
        name: the side.
        baseline: of the other side, before; None where an operator does without.
        seconds: what the prober saw since the side is judged.
        since: when (epoch seconds) the write was live that is judged.
        whole: the side has all the weight: an answer from elsewhere means that the gateways fell back.
        counted: users' requests by the gateways' counters.
        own: what the side's own checks say against it.
    """
    astray = strays(seconds, name, since) if whole else (0, 0)
    against = own or judge_fallback(*astray, name) or judge_counted(limits, baseline, counted, name)
    sample = sample_of(seconds, name, since)
    judged = against or judge(limits, baseline, sample, name)
    if judged.judgement is Judgement.BAD:
        return judged
    return judge_gateways(limits, baseline, sample, name) or judged
