# SPDX-License-Identifier: Apache-2.0
"""The open loop's pace: slots come due by the clock, and nothing else."""

import asyncio
from collections.abc import AsyncIterator

from relocate.demo.traffic.timetable import NANOSECONDS, Clock, Timetable


class Stop:
    """The moment from which nothing more is due, once somebody has said so."""

    def __init__(self, clock: Clock) -> None:
        """Args: clock: now, in nanoseconds since 1970."""
        self._clock = clock
        self._said = asyncio.Event()
        self.at_ns: int | None = None

    def now(self) -> None:
        """Nothing more is due from this moment on; saying it twice changes nothing."""
        if self.at_ns is None:
            self.at_ns = self._clock()
            self._said.set()

    async def wait(self, timeout: float | None = None) -> None:
        """Return when it was said, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._said.wait()
        except TimeoutError:
            return


async def due_slots(table: Timetable, clock: Clock, stop: Stop) -> AsyncIterator[int]:
    """Each slot when it is due, until the stop; late ones at once, none left out."""
    slot = 0
    while stop.at_ns is None or table.due_ns(slot) < stop.at_ns:
        wait_ns = table.due_ns(slot) - clock()
        if wait_ns > 0:
            await stop.wait(wait_ns / NANOSECONDS)
        else:
            yield slot
            slot += 1
