# SPDX-License-Identifier: Apache-2.0
"""The connections of a test's own server: none outlives it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class Connections:
    """What a server has taken, each served by a task of its own."""

    def __init__(self, serve: Serve) -> None:
        """Args: serve: one connection, from its beginning to its end."""
        self._serve = serve
        self._tasks: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    @property
    def count(self) -> int:
        """How many there have been."""
        return len(self._tasks)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection was made; for `asyncio.start_server`."""
        self._tasks[writer] = asyncio.create_task(self._serve(reader, writer))

    async def end(self) -> None:
        """Break off all of them, also those whose task has not begun."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for writer in self._tasks:
            writer.transport.abort()
