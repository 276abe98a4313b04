# SPDX-License-Identifier: Apache-2.0
"""What a count says about the rate behind it: exact binomial bounds (Clopper and Pearson, Biometrika 26, 1934)."""

import math
from collections.abc import Callable

CONFIDENCE = 0.95
BISECTIONS = 60
"""Halvings of [0, 1]: more than a double can tell apart."""


def most_likely_below(events: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided upper bound of a share: with no event among N trials and 95 %, a little less than 3/N."""
    _check(events, trials)
    if events == trials:
        return 1.0
    if events == 0:
        return -math.expm1(math.log1p(-confidence) / trials)
    return _root(lambda share: _at_most(events, trials, share) - (1 - confidence))


def interval(events: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The two-sided interval of a share."""
    _check(events, trials)
    tail = (1 - confidence) / 2
    low = 0.0 if events == 0 else _root(lambda share: tail - (1 - _at_most(events - 1, trials, share)))
    return low, most_likely_below(events, trials, 1 - tail)


def _check(events: int, trials: int) -> None:
    if not 0 <= events <= trials or trials == 0:
        raise ValueError("events: must be from 0 to trials, and trials at least 1")


def _at_most(events: int, trials: int, share: float) -> float:
    """Probability of at most so many events."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return float(events >= trials)
    log_odds = math.log(share) - math.log1p(-share)
    term = trials * math.log1p(-share)
    total = math.exp(term)
    for number in range(events):
        term += math.log((trials - number) / (number + 1)) + log_odds
        total += math.exp(term)
    return min(1.0, total)


def _root(falling: Callable[[float], float]) -> float:
    """Where a falling function of a share crosses zero."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return high
