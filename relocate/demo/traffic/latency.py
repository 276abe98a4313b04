# SPDX-License-Identifier: Apache-2.0
"""Latencies in few numbers."""

import math
from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest of the ascending values that at least `share` of them do not exceed; None for no values."""
    if not ordered:
        return None
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]
