# SPDX-License-Identifier: Apache-2.0
"""Where the sample application stands in its life, shared by all its protocols: warming, serving, draining, cut."""

import asyncio
from dataclasses import dataclass

from relocate.demo.app.answers import Answers
from relocate.demo.app.settings import Settings


class Refused(Exception):
    """This request is not served; the text says why."""

    def __init__(self, reason: str, *, unavailable: bool) -> None:
        """Args: reason: for people; unavailable: True for "try another time or place", False for an error."""
        super().__init__(reason)
        self.unavailable = unavailable


@dataclass
class Faults:
    """What a drill has broken."""

    error_share: float = 0.0
    """Share of requests answered with an error, from 0 to 1: exactly this share, evenly spread."""
    delay: float = 0.0
    """Seconds by which every answer comes later."""


class Life:
    """One run: from the open port to the end of the grace time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.faults = Faults()
        self.answers = Answers(settings.answers, settings.instance)
        self.warm = False
        self.draining = asyncio.Event()
        self.cut = asyncio.Event()
        """Set when the grace time is over: what is still open ends now."""
        self._owed_errors = 0.0

    async def warm_up(self) -> None:
        """Become able to serve, in this application's own time."""
        if self.settings.never_ready:
            return
        await asyncio.sleep(self.settings.warm_up)
        self.warm = True

    async def flap(self) -> None:
        """Where a drill wants it: lose what warming up gave and get it back, in turns, for ever."""
        while self.settings.flap:
            await asyncio.sleep(self.settings.flap)
            self.warm = not self.warm

    def drain(self) -> None:
        """Stop taking new connections; let what is in flight end within the grace time."""
        if not self.draining.is_set():
            self.draining.set()
            asyncio.get_running_loop().call_later(self.settings.grace, self.cut.set)

    @property
    def unhealthy(self) -> str | None:
        """Why nobody should send new work here, or None."""
        if self.draining.is_set():
            return "draining"
        return None if self.warm else "warming up"

    def admit(self) -> None:
        """Let one request in.

        Draining refuses nothing by itself: whoever still has a connection is served until it closes.

        Raises:
            Refused: it cannot be served, or a drill wants an error.
        """
        if not self.warm:
            raise Refused("warming up", unavailable=True)
        self._owed_errors += self.faults.error_share
        if self._owed_errors >= 1:
            self._owed_errors -= 1
            raise Refused("a drill asked for this error", unavailable=False)

    async def travel(self, cell: str) -> None:
        """Take the time that an answer needs to a UE in `cell`: there is no real distance on a loopback device."""
        settings = self.settings
        far = cell and settings.near and cell not in settings.near
        delay = self.faults.delay + (settings.cell_distance if far else 0)
        if delay:
            await self.rest(delay)

    async def rest(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            Refused: the grace time ended first.
        """
        try:
            async with asyncio.timeout(seconds):
                await self.cut.wait()
        except TimeoutError:
            return
        raise Refused("cut: the grace time is over", unavailable=True)
