# SPDX-License-Identifier: Apache-2.0
"""Looks at the field by itself: who runs where, as the clusters say, and whether this machine keeps up."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

import httpx

from relocate.clusters.contract import InstanceState
from relocate.clusters.process.wire import Status
from relocate.demo.system import System
from tests.chaos.disturbances import Disturbances

PERIOD_SECONDS = 0.5
ANSWER_SECONDS = 1.0
TICK_SECONDS = 0.05
STALL_SECONDS = 0.7
"""A tick that comes so late says that this machine itself stood still."""
LOOKS = 2
"""So many looks running without an instance are no accident of the moment between two."""

Window = tuple[int, int]


class Observer:
    """Watches from the start of the run to its end."""

    def __init__(self, system: System, disturbances: Disturbances) -> None:
        """Args: system: that runs; disturbances: what we did ourselves."""
        self._system = system
        self._disturbances = disturbances
        self._served: set[str] = set()
        self._missing: defaultdict[str, int] = defaultdict(int)
        self._tasks: list[asyncio.Task[None]] = []
        self.looks = 0
        self.stalls: list[Window] = []
        self.violations: list[str] = []

    def begin(self) -> None:
        """Look from now on."""
        self._tasks = [asyncio.create_task(self._look_on()), asyncio.create_task(self._tick())]

    async def end(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def expect(self, application: str) -> None:
        """It serves: from now on it always has an instance."""
        self._served.add(application)

    def forget(self, application: str) -> None:
        """It is taken down."""
        self._served.discard(application)

    async def instances(self, cluster: str, application: str) -> Sequence[Status] | None:
        """What a cluster has of an application, or None when its agent does not say."""
        found = await self._of(cluster)
        return None if found is None else [one for one in found if one.application == application and not one.gone]

    async def _look_on(self) -> None:
        while True:
            found = {cluster: await self._of(cluster) for cluster in self._system.ports.clusters}
            if all(one is not None for one in found.values()):
                self.looks += 1
                self._judge({cluster: one or [] for cluster, one in found.items()})
            await asyncio.sleep(PERIOD_SECONDS)

    def _judge(self, found: Mapping[str, Sequence[Status]]) -> None:
        running = {
            one.application for instances in found.values() for one in instances if one.state is InstanceState.RUNNING
        }
        now = time.time_ns()
        for application in self._served:
            hit = any(one.touches(now - 3_000_000_000, now) for one in self._disturbances.of(application))
            absent = application not in running and not hit
            self._missing[application] = self._missing[application] + 1 if absent else 0
            if self._missing[application] == LOOKS:
                self.violations.append(f"{application} had no running instance anywhere, and we had not killed one")

    async def _of(self, cluster: str) -> Sequence[Status] | None:
        url = f"http://127.0.0.1:{self._system.ports.clusters[cluster]}/instances"
        try:
            async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
                answer = await client.get(url)
        except httpx.HTTPError:
            return None
        return [Status.model_validate(one) for one in answer.json()] if answer.is_success else None

    async def _tick(self) -> None:
        last = time.time_ns()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.time_ns()
            if now - last > (TICK_SECONDS + STALL_SECONDS) * 1e9:
                self.stalls.append((last, now))
            last = now
