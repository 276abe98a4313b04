# SPDX-License-Identifier: Apache-2.0
"""The whole service for tests: started once, configured, stopped in the end, and shared in one event loop."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from inspect import iscoroutinefunction

import pytest

from relocate.demo.system import System, stop

SESSION = {"scope": "session", "loop_scope": "session"}
"""Of a fixture that starts one: its processes belong to one event loop, which all tests that use it share."""


@asynccontextmanager
async def running(system: System) -> AsyncIterator[System]:
    """A system that has not been started, for as long as the block runs."""
    try:
        await system.start(lambda _: None)
        await system.configure()
        yield system
    finally:
        await stop(system)


def share_loop(items: Iterable[pytest.Item], folder: str, seconds: int) -> None:
    """Let every test below a folder run in the session's loop, and take so long at most."""
    for item in items:
        if folder not in item.path.parts:
            continue
        item.add_marker(pytest.mark.timeout(seconds))
        if isinstance(item, pytest.Function) and iscoroutinefunction(item.function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
