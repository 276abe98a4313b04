# SPDX-License-Identifier: Apache-2.0
"""What the contract's tests do with a cluster, whatever its kind."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from relocate.clusters.contract import ClusterDriver, InstanceState, Observation, Workload
from steering.model import Fence

PATIENCE = 20.0
"""Seconds in which an instance starts or ends, also where many others do."""


@dataclass
class Conversation:
    """A driver, and how to do to its cluster what the contract's tests need."""

    driver: ClusterDriver
    workload: Callable[..., Workload]
    crash: Callable[[str], Awaitable[None]]
    break_off: Callable[[], None]
    steps: Iterator[int] = field(default_factory=count)

    async def deploy(self, workload: Workload) -> None:
        """Deploy under a fence that is newer than every one before."""
        await self.driver.deploy(workload, Fence(lease=1, sequence=next(self.steps)))

    async def remove(self, instance: str) -> None:
        """As `deploy`."""
        await self.driver.remove("echo", instance, Fence(lease=1, sequence=next(self.steps)))

    async def reaches(self, instance: str, state: InstanceState) -> Observation:
        """What is observed once the instance is in this state; fails when that takes too long."""
        async with asyncio.timeout(PATIENCE):
            while (seen := await self.driver.observe("echo", instance)).state is not state:  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.01)
        return seen

    async def is_gone(self, instance: str) -> None:
        """Wait until nothing is left; fails when that takes too long."""
        async with asyncio.timeout(PATIENCE):
            while not await self.driver.gone("echo", instance):  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.01)
