# SPDX-License-Identifier: Apache-2.0
"""The traffic of one application, and when the application was moved how: so each request belongs to one way of moving."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable
from enum import StrEnum

from relocate.demo.drive import Traffic
from relocate.demo.report.accounts import Accounts, Window
from relocate.demo.traffic.record import Outcome, read_recording
from relocate.demo.traffic.timetable import NANOSECONDS
from relocate.model.relocation import View

RECOVERY_SECONDS = 60.0
"""Longest time until the traffic is right again."""
CALM_SECONDS = 2
"""A move's account goes on until so many whole seconds running were right: what it broke is its own."""


class Watched:
    """One application under traffic."""

    def __init__(self, name: str, traffic: Traffic) -> None:
        """Args: name: the application's; traffic: that is to be sent to it."""
        self.name = name
        self.traffic = traffic
        self.windows: dict[StrEnum, list[Window]] = defaultdict(list)
        self.views: list[View] = []
        """Of the moves that were relocations of ours."""

    async def flow(self) -> None:
        """Let its traffic flow; it may have been stopped before."""
        await self.traffic.start()
        await self.traffic.first_number()

    def forget(self) -> None:
        """What happened so far was a rehearsal."""
        self.windows.clear()
        self.views = []

    async def during(self, way: StrEnum, move: Awaitable[object]) -> float:
        """Let it be moved; the seconds that took. Its account goes on until the traffic is right again."""
        start, began = time.time_ns(), time.monotonic()
        await move
        took = time.monotonic() - began
        await self._calm(way)
        self.windows[way].append((start, time.time_ns()))
        return took

    def accounts(self, way: StrEnum) -> Accounts:
        """What became of the requests during all moves of one kind. The traffic must have been stopped."""
        return self.account_of(*self.windows[way])

    def account_of(self, *windows: Window) -> Accounts:
        """The same for some windows."""
        return Accounts(read_recording(self.traffic.records), windows)

    async def _calm(self, way: StrEnum) -> None:
        """Wait until the traffic has seen some whole seconds without a loss."""
        seen, deadline = len(self.traffic.seconds()), time.monotonic() + RECOVERY_SECONDS
        while True:
            last = self.traffic.seconds()[seen + 1 :][-CALM_SECONDS:]
            if len(last) == CALM_SECONDS and not any(second["lost"] or second["wrong"] for second in last):
                return
            if time.monotonic() > deadline:
                why = f"{self.name} is not right again {RECOVERY_SECONDS:g} s after '{way}'"
                raise TimeoutError(f"{why}: {await self._failing()}")
            await asyncio.sleep(0.1)

    async def _failing(self) -> str:
        """What fails now, and where; it stops the traffic to find out."""
        since = time.time_ns() - 5 * NANOSECONDS
        await self.traffic.stop()
        recording = read_recording(self.traffic.records)
        failing = Counter(
            f"{recording.timetables[one.timetable].name}: {one.error}"
            for one in recording.records
            if one.due_ns >= since and one.outcome is not Outcome.RIGHT
        )
        return ", ".join(f"{number} x {what}" for what, number in failing.most_common())
