# SPDX-License-Identifier: Apache-2.0
"""Latency histograms with fixed buckets on a logarithmic scale, so that any two can be added.

Bucket 0 holds up to 0.1 ms; bucket k (1 to 145) holds latencies above 0.1 ms * 1.1**(k-1) and up to 0.1 ms * 1.1**k;
bucket 146 holds all above 0.1 ms * 1.1**145, some 100 s. A quantile is answered with the geometric middle of its
bucket, so within the scale it is at most `RELATIVE_ERROR` (4.9 %) away from the sample of that rank.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from pydantic import Field

from relocate.model.values import Payload

FIRST_MS = 0.1
GROWTH = 1.1
LAST = 146
RELATIVE_ERROR = math.sqrt(GROWTH) - 1


def bucket(milliseconds: float) -> int:
    """Number of the bucket that holds this latency."""
    if milliseconds <= FIRST_MS:
        return 0
    return min(LAST, math.ceil(math.log(milliseconds / FIRST_MS, GROWTH)))


def upper_bound(number: int) -> float:
    """The largest latency of a bucket in milliseconds; infinite for the last one."""
    return math.inf if number >= LAST else FIRST_MS * math.pow(GROWTH, number)


class Histogram(Payload):
    """How many samples fell into which bucket; empty buckets are left out."""

    counts: Mapping[int, int] = Field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many samples."""
        return sum(self.counts.values())

    def quantile(self, fraction: float) -> float | None:
        """The latency in milliseconds that `fraction` of the samples did not exceed (nearest rank), or None.

        Samples outside the scale answer with its end: 0.1 ms, or some 100 s.

        Raises:
            ValueError: `fraction` is not within 0 and 1.
        """
        if not 0 <= fraction <= 1:
            raise ValueError("fraction: must be within 0 and 1")
        rank = max(1, math.ceil(fraction * self.total))
        for number in sorted(self.counts):
            rank -= self.counts[number]
            if rank <= 0:
                return _middle(number)
        return None


def of(latencies_ms: Iterable[float]) -> Histogram:
    """The histogram of some latencies in milliseconds."""
    return Histogram(counts=Counter(map(bucket, latencies_ms)))


def added(histograms: Iterable[Histogram]) -> Histogram:
    """One histogram of everything in `histograms`."""
    counts: Counter[int] = Counter()
    for histogram in histograms:
        counts.update(histogram.counts)
    return Histogram(counts=counts)


def _middle(number: int) -> float:
    if number == 0:
        return FIRST_MS
    if number >= LAST:
        return FIRST_MS * math.pow(GROWTH, LAST - 1)
    return FIRST_MS * math.pow(GROWTH, number - 0.5)
