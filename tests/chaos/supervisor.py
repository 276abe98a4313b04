# SPDX-License-Identifier: Apache-2.0
"""Kills and freezes the service's processes by their id, and starts again what has ended, as a supervisor would."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from relocate.demo import site
from relocate.demo.processes import listens
from relocate.demo.system import System

WORKERS = ("worker-1", "worker-2")
AGAIN_SECONDS = 0.5
"""From a process's own end to its next start."""
UP_SECONDS = 60.0
"""Longest wait for a process that was started again; what depends on others may take as long as they are away."""
LOOK_SECONDS = 0.1


class Supervisor:
    """Everything that may be killed, by name, and how each is started."""

    def __init__(self, system: System) -> None:
        """Args: system: that runs, with two workers."""
        self._system = system
        self._starts: Mapping[str, Callable[[], Awaitable[None]]] = {
            "temporal": system.start_temporal,
            "api": system.start_api,
            "gateway-control": system.start_control,
            **{name: partial(system.start_worker, name) for name in WORKERS},
            **{name: partial(system.start_gateway, name) for name in site.INSTANCES},
        }
        self._turns = {name: asyncio.Lock() for name in self._starts}
        self.ended: Counter[str] = Counter()
        """Processes that ended although nobody killed them, and with which status."""
        self._tending: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Restart from now on what ends by itself."""
        self._tending = asyncio.create_task(self._tend())

    async def end(self) -> None:
        """Let things lie."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)

    def is_hit(self, name: str) -> bool:
        """Whether it is down or frozen now, by our hand."""
        return self._turns[name].locked()

    async def kill(self, name: str, pause: float) -> None:
        """SIGKILL; a start after the pause; ends when it answers again."""
        async with self._turns[name]:
            await self._system.processes.kill(name)
            await asyncio.sleep(pause)
            await self._starts[name]()
            await self._up(name)

    async def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so many seconds."""
        async with self._turns[name]:
            await frozen(self._system.processes.named(name).process.pid, seconds)

    async def _up(self, name: str) -> None:
        deadline = time.monotonic() + UP_SECONDS
        while not await self._answers(name) and time.monotonic() < deadline:
            status = self._system.processes.named(name).process.returncode
            if status is not None:
                await self._again(name, status)
            await asyncio.sleep(LOOK_SECONDS)

    async def _answers(self, name: str) -> bool:
        ports = self._system.ports
        known = {"temporal": ports.temporal, "api": ports.api, "gateway-control": ports.control, **ports.listeners}
        return await listens(known[name]) if name in known else True

    async def _tend(self) -> None:
        while True:
            for one in list(self._system.processes.running):
                if one.name in self._starts and one.process.returncode is not None and not self.is_hit(one.name):
                    async with self._turns[one.name]:
                        await self._again(one.name, one.process.returncode)
            await asyncio.sleep(LOOK_SECONDS)

    async def _again(self, name: str, status: int) -> None:
        self.ended[f"{name}, status {status}"] += 1
        await self._system.processes.kill(name)
        await asyncio.sleep(AGAIN_SECONDS)
        await self._starts[name]()


async def frozen(process: int, seconds: float) -> bool:
    """Stop a process for a while; whether it was there to be stopped."""
    try:
        os.kill(process, signal.SIGSTOP)
    except ProcessLookupError:
        return False
    try:
        await asyncio.sleep(seconds)
    finally:
        with_luck(process, signal.SIGCONT)
    return True


def with_luck(process: int, number: signal.Signals) -> bool:
    """Send a signal to a process that may have ended; whether it was there."""
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return False
    return True
