# SPDX-License-Identifier: Apache-2.0
"""A line between two programs that can be cut."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.connections import Connections

_CHUNK = 65536


class Forwarder:
    """Passes connections on, in a thread of its own."""

    def __init__(self, host: str, port: int) -> None:
        """Args: host, port: where to."""
        self._to = (host, port)
        self._cut = False
        self._loop = asyncio.new_event_loop()
        self._connections = Connections(self._pass_on)
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="forwarder", daemon=True)

    def start(self) -> int:
        """Listen on a free loopback port, and return it."""
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def stop(self) -> None:
        """End everything."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """While entered, nothing comes through: what was open breaks off, what comes is broken off at once."""
        self._cut = True
        asyncio.run_coroutine_threadsafe(self._connections.end(), self._loop).result()
        try:
            yield
        finally:
            self._cut = False

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._connections.accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._connections.end()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        with suppress(OSError):
            there, back = await asyncio.open_connection(*self._to)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_copy(reader, back))
                    group.create_task(_copy(there, writer))
            finally:
                back.transport.abort()
                writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof() if writer.can_write_eof() else writer.close()
