# SPDX-License-Identifier: Apache-2.0
"""A stretch of network between two processes, which can fall silent or break, and is there again afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

CHUNK = 65536


async def always() -> bool:
    """Everything passes."""
    return True


class Line:
    """Forwards TCP connections from a port of its own to another port."""

    def __init__(
        self,
        to: int,
        *,
        host: str = "127.0.0.1",
        asks_while: Callable[[], Awaitable[bool]] = always,
        answers_while: Callable[[], Awaitable[bool]] = always,
    ) -> None:
        """Args: to, host: port and machine that everything goes to.

        asks_while, answers_while: looked at before each piece passes, there or back; when it says no, nothing passes that
        way any more.
        """
        self.there = asyncio.Event()
        """While it is set, what is asked gets through."""
        self.back = asyncio.Event()
        """While it is set, what is answered gets through."""
        self._to = (host, to)
        self._asks_while = asks_while
        self._answers_while = answers_while
        self._server: asyncio.Server | None = None
        self._carried: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """Where it takes connections."""
        if self._server is None:
            raise LookupError("the line has not been opened")
        return int(self._server.sockets[0].getsockname()[1])

    async def holds(self) -> bool:
        """Whether it holds something back, or would."""
        return not (self.there.is_set() and self.back.is_set())

    async def start(self) -> None:
        """Take connections from now on."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self._pass()

    @asynccontextmanager
    async def silent(self) -> AsyncIterator[None]:
        """Nothing passes, and nobody is told, as when packets are dropped; afterwards every connection is a new one."""
        self.there.clear()
        self.back.clear()
        try:
            yield
        finally:
            self._break_off()
            self._pass()

    @asynccontextmanager
    async def cut(self) -> AsyncIterator[None]:
        """As `silent`, but both sides learn at once that their connections are gone."""
        async with self.silent():
            self._break_off()
            yield

    def _pass(self) -> None:
        self.there.set()
        self.back.set()

    def _break_off(self) -> None:
        for end in self._ends:
            end.transport.abort()

    async def close(self) -> None:
        """Take no more connections, and end all."""
        if self._server is not None:
            self._server.close()
        self._break_off()
        self._pass()
        await asyncio.gather(*self._carried)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)
        self._ends.add(writer)
        try:
            await self.there.wait()
            if not writer.transport.is_closing():
                with suppress(OSError):
                    await self._join(reader, writer)
        finally:
            await self._drop(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._ends.add(far_writer)
        both = (
            self._pump(reader, far_writer, self.there, self._asks_while),
            self._pump(far_reader, writer, self.back, self._answers_while),
        )
        ways = [asyncio.create_task(way) for way in both]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await self._drop(far_writer)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        passing: asyncio.Event,
        passes_while: Callable[[], Awaitable[bool]],
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(CHUNK):
                if not await passes_while():
                    passing.clear()
                await passing.wait()
                writer.write(piece)
                await writer.drain()
        # An end is news as well; in silence it does not pass either.
        await passing.wait()

    async def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._ends.discard(writer)
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
