# SPDX-License-Identifier: Apache-2.0
"""Waiting for what another process does."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def eventually(true: Callable[[], Awaitable[bool]], what: str, seconds: float = 20) -> None:
    """Wait until something is true, or fail the drill."""
    deadline = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < deadline, f"not {what} after {seconds:g} s"
        await asyncio.sleep(0.05)
