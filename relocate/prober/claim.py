# SPDX-License-Identifier: Apache-2.0
"""What may be claimed from samples: sums, a bound on what they may have missed, and the sentence that says so."""

import math
from collections.abc import Iterable, Mapping

from pydantic import Field

from relocate.model.values import Payload
from relocate.prober.coverage import Coverage
from relocate.prober.records import EpochSeen, Second, SideCount, epochs_added, sides_added

CONFIDENCE = 0.95


class Summary(Payload):
    """Many seconds, added."""

    sent: int = 0
    right: int = 0
    wrong: int = 0
    failed: int = 0
    unfinished: int = 0
    by_side: Mapping[str, SideCount] = Field(default_factory=dict)
    epochs: Mapping[str, EpochSeen] = Field(default_factory=dict)
    longest_gap_ms: float = 0.0

    @property
    def errors(self) -> int:
        """Requests that ended and were not answered right."""
        return self.wrong + self.failed

    @property
    def finished(self) -> int:
        """Requests that ended, one way or another."""
        return self.right + self.errors


def summed(seconds: Iterable[Second]) -> Summary:
    """Everything in `seconds`, added."""
    records = list(seconds)
    return Summary(
        sent=sum(record.sent for record in records),
        right=sum(record.right for record in records),
        wrong=sum(record.wrong for record in records),
        failed=sum(record.failed for record in records),
        unfinished=sum(record.unfinished for record in records),
        by_side=sides_added(record.by_side for record in records),
        epochs=epochs_added(record.epochs for record in records),
        longest_gap_ms=max((record.max_gap_ms for record in records), default=0.0),
    )


def rate_bound(samples: int, failures: int = 0, confidence: float = CONFIDENCE) -> float:
    """The failure rate that, with this confidence, is not exceeded: one-sided, exact (Clopper and Pearson, 1934).

    Without failures it is `1 - (1 - confidence) ** (1 / samples)`, some 3 / samples at 95 % ("rule of three").

    Raises:
        ValueError: more failures than samples, or a confidence that is not between 0 and 1.
    """
    if not 0 <= failures <= samples or not 0 < confidence < 1:
        raise ValueError("failures: 0 to the number of samples; confidence: between 0 and 1")
    if failures == samples:
        return 1.0
    if failures == 0:
        return -math.expm1(math.log1p(-confidence) / samples)
    low, high = failures / samples, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(failures, samples, middle) > 1 - confidence else (low, middle)
    return high


def _at_most(failures: int, samples: int, rate: float) -> float:
    """Probability of at most `failures` in `samples`, each failing with `rate` (strictly between 0 and 1)."""
    whole = math.lgamma(samples + 1)
    return math.fsum(
        math.exp(
            whole
            - math.lgamma(count + 1)
            - math.lgamma(samples - count + 1)
            + count * math.log(rate)
            + (samples - count) * math.log1p(-rate)
        )
        for count in range(failures + 1)
    )


def sentence(summary: Summary, watched: Coverage, period: float) -> str:
    """The claim of E4 in words: what was sampled, how, and how sure it is."""
    length = sum(interval.until - interval.since for interval in watched.watched)
    bound = rate_bound(summary.finished, summary.errors) if summary.finished else 1.0
    holes = f"; {len(watched.holes)} holes, so this is inconclusive" if watched.holes else ""
    return (
        f"sampled every {period * 1000:g} ms for {length} s: {summary.sent} sent, {summary.failed} failed,"
        f" {summary.wrong} wrong (with {CONFIDENCE:.0%} confidence fewer than {bound:.2%}),"
        f" longest gap {summary.longest_gap_ms:.0f} ms; an outage shorter than"
        f" {max(watched.longest_send_gap_ms, period * 1000):.0f} ms may have been missed{holes}"
    )
