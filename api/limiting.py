# SPDX-License-Identifier: Apache-2.0
"""How often one caller may ask: a token bucket for each."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

MOST = 10_000
"""Callers that are remembered; beyond, the one who asked longest ago is forgotten, and begins with a full bucket again."""


class _Bucket(NamedTuple):
    left: float
    """Requests that may be made at once, then."""
    at: float


class Rates:
    """Lets each caller ask so often in the mean, and so often at once."""

    def __init__(self, per_second: float, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: per_second: in the mean; at_once: after a rest; clock: seconds."""
        self._per_second = per_second
        self._at_once = at_once
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, caller: str) -> float:
        """Seconds until this caller may ask; 0: now, and it is counted."""
        now = self._clock()
        left, at = self._buckets.pop(caller, _Bucket(self._at_once, now))
        left = min(self._at_once, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._buckets[caller] = _Bucket(left - 1 if allowed else left, now)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second
