# SPDX-License-Identifier: Apache-2.0
"""A TCP relay between two of the service's processes, so that what is on its way between them can be met there."""

import asyncio
from collections.abc import Callable
from typing import Self

from relocate.demo.processes import free_ports

CHUNK = 65_536


class Relay:
    """Passes on what each end says, a moment later, until it is told otherwise."""

    def __init__(self, to: int, *, delay_seconds: float) -> None:
        """Args: to: port of loopback that is passed on to; delay_seconds: of each chunk, both ways."""
        self.port = free_ports(1)[0]
        self.asks = True
        """False: nothing gets through any more to where it leads."""
        self.answers = True
        """False: nothing comes back any more from there."""
        self._to = to
        self._delay_seconds = delay_seconds
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Break every connection at once: what is on its way is lost."""
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            ends.append(back)
            asking = self._pass_on(reader, back, lambda: self.asks)
            await asyncio.gather(asking, self._pass_on(there, writer, lambda: self.answers))
        except OSError:
            pass  # one end is gone, and so is the connection
        finally:
            for end in ends:
                end.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: Callable[[], bool]
    ) -> None:
        while chunk := await reader.read(CHUNK):
            await asyncio.sleep(self._delay_seconds)
            if passes():
                writer.write(chunk)
                await writer.drain()
        raise ConnectionResetError
