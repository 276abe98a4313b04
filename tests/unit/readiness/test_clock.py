# SPDX-License-Identifier: Apache-2.0
"""The fake clock."""

import asyncio

from readiness.clock import FakeClock


async def test_sleepers_wake_in_the_order_of_their_time() -> None:
    """Several tasks that sleep and wait for each other see one time that only goes forward."""
    clock, seen = FakeClock(), list[tuple[str, float]]()
    bell = asyncio.Event()

    async def ringer() -> None:
        await clock.sleep(3)
        bell.set()
        seen.append(("ringer", clock.monotonic()))

    async def listener() -> None:
        await bell.wait()
        await clock.sleep(0.5)
        seen.append(("listener", clock.monotonic()))

    async def ticker() -> None:
        for _ in range(4):
            await clock.sleep(1)
            seen.append(("tick", clock.monotonic()))

    await asyncio.gather(ticker(), listener(), ringer())
    assert sorted(seen, key=lambda pair: pair[1]) == seen
    assert dict(seen) == {"tick": 4.0, "ringer": 3.0, "listener": 3.5}


async def test_wall_clock_moves_along() -> None:
    """now() and monotonic() move together."""
    clock = FakeClock(start=100)
    before = clock.now()
    await clock.sleep(90)
    assert (clock.now() - before).total_seconds() == 90
