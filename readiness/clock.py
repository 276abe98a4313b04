# SPDX-License-Identifier: Apache-2.0
"""Time as a part that can be exchanged: the machine's own, and one for tests that never waits."""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the gate's runner and the prober need of time."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back. For intervals."""

    def now(self) -> datetime:
        """The wall clock, in UTC. For records."""

    async def sleep(self, seconds: float) -> None:
        """Wait; zero or less only lets others run."""


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()

    def now(self) -> datetime:
        """The machine's wall clock in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait in the running event loop."""
        await asyncio.sleep(max(0.0, seconds))


class FakeClock:
    """A clock for tests: when every task sleeps, time jumps to the moment at which the first one wakes.

    It works for tasks that wait for this clock, or for each other; what waits for a socket is not seen, and time
    runs past it.
    """

    SETTLED = 25
    """Turns of the event loop without a new or finished sleeper after which all tasks count as waiting."""

    def __init__(self, start: float = 0.0, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        """Args: start: what `monotonic` says first; at: what `now` says first."""
        self._start = start
        self._time = start
        self._at = at
        self._order = itertools.count()
        self._changes = 0
        self._sleepers: list[tuple[float, int]] = []

    def monotonic(self) -> float:
        """The fake time in seconds."""
        return self._time

    def now(self) -> datetime:
        """The fake wall clock; it moves with `monotonic`."""
        return self._at + timedelta(seconds=self._time - self._start)

    async def sleep(self, seconds: float) -> None:
        """Wait until the fake time has come; the earliest sleeper brings it."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper = (self._time + seconds, next(self._order))
        heapq.heappush(self._sleepers, sleeper)
        self._changes += 1
        try:
            while self._time < sleeper[0]:
                await self._settle()
                if self._sleepers[0] == sleeper:
                    self._time = max(self._time, sleeper[0])
        finally:
            self._sleepers.remove(sleeper)
            heapq.heapify(self._sleepers)
            self._changes += 1

    def stall(self, seconds: float) -> None:
        """Let time pass in which nobody could run, as when a process is stopped."""
        self._time += seconds
        self._changes += 1

    async def _settle(self) -> None:
        quiet, seen = 0, self._changes
        while quiet < self.SETTLED:
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._changes == seen else 0
            seen = self._changes
