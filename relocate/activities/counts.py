# SPDX-License-Identifier: Apache-2.0
"""Every count of a drain, kept for the record: counts that came out the same stand there once, with their moments."""

import math
from collections.abc import Sequence

from relocate.activities.orders import DrainOrder
from relocate.evidence.samples import UsageCounts, UsageRun
from relocate.phases.draining import DrainState
from steering.model import InstanceUsage

PERIOD_SECONDS = 0.1
"""Time between two counts."""

COUNTS = 1200
"""Counts that are kept at least: those of the latest two minutes, and always those of the window."""


class Counts:
    """The counts of one drain."""

    def __init__(self, window_seconds: float) -> None:
        """Args: window_seconds: how long a side has to be quiet."""
        self._runs: list[tuple[list[float], Sequence[InstanceUsage]]] = []
        self._most = max(COUNTS, 2 * math.ceil(window_seconds / PERIOD_SECONDS))
        self._kept = 0
        self._left_out = 0

    def add(self, now: float, usage: Sequence[InstanceUsage]) -> None:
        """One count of every instance; `now` in seconds since the drain began."""
        if not self._runs or self._runs[-1][1] != usage:
            self._runs.append(([], usage))
        self._runs[-1][0].append(now)
        self._kept += 1
        if self._kept > self._most:
            self._forget_one()

    def _forget_one(self) -> None:
        """Leave out what decides least: a moment within an old run, else the oldest run."""
        # The first and the last moment of a run say how long it lasted.
        long = next((at for at, _ in self._runs if len(at) > 2), None)  # noqa: PLR2004
        gone = 1 if long is not None else len(self._runs[0][0])
        if long is not None:
            del long[1]
        else:
            del self._runs[0]
        self._kept -= gone
        self._left_out += gone

    def samples(self, order: DrainOrder, state: DrainState) -> UsageCounts:
        """What the record says."""
        return UsageCounts(
            side=order.side,
            left=state.left,
            window_seconds=order.drain.window_seconds,
            by_instance=state.requests_total,
            drain=order.drain,
            counts=tuple(UsageRun(at=tuple(at), usage=tuple(usage)) for at, usage in self._runs),
            left_out=self._left_out,
        )
