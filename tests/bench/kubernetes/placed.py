# SPDX-License-Identifier: Apache-2.0
"""Applications of the service on the edge clusters, for one measurement."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from relocate.errors import RelocateError
from relocate.parts import Parts
from relocate.settings import Settings
from tests.bench.kubernetes.stage import Stage
from tests.drills.scene import ABOVE_ALL

AT_A_TIME = 4
"""So many are placed together: whoever waits for all of twenty would wait too long for each."""


@asynccontextmanager
async def placed(stage: Stage, homes: Mapping[str, str]) -> AsyncIterator[None]:
    """Applications that were described, each on its cluster. Nothing of them runs afterwards."""
    parts = Parts.open(Settings(database_url=stage.system.database_url))
    turn = asyncio.Semaphore(AT_A_TIME)

    async def place(name: str, cluster: str) -> None:
        async with turn:
            await stage.system.place(name, cluster)

    try:
        await asyncio.gather(*(place(*home) for home in homes.items()))
        yield
    finally:
        await asyncio.gather(*(unplace(parts, name) for name in homes))
        await parts.close()


async def unplace(parts: Parts, name: str) -> None:
    """Remove whatever runs of an application. Its route, and what cannot be removed now, go with their namespaces."""
    placements = parts.database.placements
    for one in placements.of(name):
        with suppress(RelocateError):
            await (await parts.driver(one.cluster)).remove(name, one.instance, ABOVE_ALL)
        placements.forget(name, one.cluster)
