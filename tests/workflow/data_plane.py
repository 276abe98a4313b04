# SPDX-License-Identifier: Apache-2.0
"""A loopback data plane for the memory gateway: its instances listen, and answer as what they have applied says."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

from steering.adapters.memory import MemoryAdapter, MemoryGateway
from steering.model import (
    EPOCH_HEADER,
    PROBE_HEADER,
    SIDE_HEADER,
    Endpoint,
    Fence,
    ProbePoint,
    Problem,
    RouteDocument,
    Version,
)

TURNS = 10
"""Turns of the event loop from an accepted connection to its task, with some to spare."""

BeforeApply = Callable[[RouteDocument], Awaitable[None]]


async def _nothing(_: RouteDocument) -> None:
    return


class DataPlane:
    """One listener per gateway instance. A probe path carries a token, users carry none."""

    def __init__(self, gateway: MemoryGateway) -> None:
        """Args: gateway: whose state is answered from."""
        self.gateway = gateway
        self.broken: dict[str, int] = {}
        """Status that a side answers *users* with; its probe path answers well all the same."""
        self.ports: dict[str, int] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._stopped = False

    async def start(self) -> None:
        """Listen, each instance on a free port."""
        for instance in self.gateway.instances():
            server = await asyncio.start_server(self._serve(instance), "127.0.0.1", 0)
            self.ports[instance] = server.sockets[0].getsockname()[1]
            self._servers.append(server)

    async def stop(self) -> None:
        """Close every listener and connection, those too that are just being accepted."""
        for server in self._servers:
            server.close()
        self._stopped = True
        for _ in range(TURNS):
            # A connection that was accepted a moment ago has no task yet, and nobody would close it.
            await asyncio.sleep(0)
        for writer in self._connections.values():
            writer.close()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _serve(self, instance: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._connections[task] = writer
            try:
                while not self._stopped and (head := await _head(reader)):
                    writer.write(self._answer(instance, head))
                    await writer.drain()
            except ConnectionError:
                pass  # a dead instance, or a client that has gone
            finally:
                del self._connections[task]
                writer.close()

        return serve

    def _answer(self, instance: str, head: dict[str, str]) -> bytes:
        route = head["host"].partition(".")[0]
        token = head.get(PROBE_HEADER)
        try:
            answer = self.gateway.answer(instance, route, token=token)
        except ConnectionRefusedError:
            raise ConnectionAbortedError(instance) from None
        except ConnectionResetError:
            return _response(HTTPStatus.SERVICE_UNAVAILABLE)
        status = self.broken.get(answer.side, HTTPStatus.OK) if token is None else HTTPStatus.OK
        return _response(status, {EPOCH_HEADER: answer.epoch, SIDE_HEADER: answer.side})


class ListeningAdapter(MemoryAdapter):
    """The memory adapter with probe points that lead somewhere, and a place to stand still before each write."""

    def __init__(self, data_plane: DataPlane) -> None:
        """Args: data_plane: the gateway's listeners."""
        super().__init__(data_plane.gateway)
        self.before_apply: BeforeApply = _nothing
        self.refuses: Callable[[RouteDocument], bool] = lambda _: False
        self.written: list[RouteDocument] = []
        self._data_plane = data_plane

    async def validate(self, document: RouteDocument) -> Sequence[Problem]:
        """As the memory adapter's, and what the story refuses."""
        if self.refuses(document):
            return [Problem(field="backends", reason="too many backends")]
        return await super().validate(document)

    async def apply(self, document: RouteDocument, *, fence: Fence, base: Version | None) -> Version:
        """As the memory adapter's, after `before_apply`."""
        await self.before_apply(document)
        version = await super().apply(document, fence=fence, base=base)
        self.written.append(document)
        return version

    async def probe_points(self, route: str) -> Sequence[ProbePoint]:
        """Where each instance listens."""
        return [
            ProbePoint(
                instance=name,
                endpoint=Endpoint(host="127.0.0.1", port=port),
                tls=False,
                server_name=self._document(route).hosts[0],
            )
            for name, port in self._data_plane.ports.items()
        ]


async def _head(reader: asyncio.StreamReader) -> dict[str, str] | None:
    """Header fields of the next request, names in lower case; None at the connection's end."""
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    fields = (line.partition(":") for line in text.split("\r\n")[1:] if line)
    return {name.lower(): value.strip() for name, _, value in fields}


def _response(status: int, headers: dict[str, Any] | None = None) -> bytes:
    lines = [f"{name}: {value}" for name, value in {"content-length": 0, **(headers or {})}.items()]
    return "\r\n".join([f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *lines, "", ""]).encode()
