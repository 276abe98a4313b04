# SPDX-License-Identifier: Apache-2.0
"""A loopback data plane for the memory gateway: its instances listen, and answer as what they have applied says."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, cast

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
        self._listeners: list[socket.socket] = []
        self._accepting: set[asyncio.Task[object]] = set()
        self._connections: set[asyncio.Transport] = set()
        self.stopped = False

    async def start(self) -> None:
        """Listen, each instance on a free port.

        Not by `create_server`: a connection that it has accepted and not yet handed on when it closes is never closed.
        """
        loop = asyncio.get_running_loop()
        for instance in self.gateway.instances():
            listener = socket.create_server(("127.0.0.1", 0))
            listener.setblocking(False)
            loop.add_reader(listener, self._accept, listener, instance)
            self.ports[instance] = listener.getsockname()[1]
            self._listeners.append(listener)

    def stop(self) -> None:
        """Close every listener and connection; one that is just being accepted closes itself."""
        self.stopped = True
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        for transport in tuple(self._connections):
            transport.abort()

    def _accept(self, listener: socket.socket, instance: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            accepted, _ = listener.accept()
        except OSError:
            return  # it has gone again
        served = loop.connect_accepted_socket(partial(_Connection, self, instance), accepted)
        task = loop.create_task(served)
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    def opened(self, transport: asyncio.Transport) -> None:
        """A client has connected."""
        self._connections.add(transport)

    def closed(self, transport: asyncio.Transport) -> None:
        """A connection is over."""
        self._connections.discard(transport)

    def answer(self, instance: str, head: dict[str, str]) -> bytes:
        """The response to one request.

        Raises:
            ConnectionAbortedError: the instance is dead.
        """
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


class _Connection(asyncio.Protocol):
    """One client at one instance's listener: requests without bodies, answered in their order."""

    def __init__(self, plane: DataPlane, instance: str) -> None:
        self._plane = plane
        self._instance = instance
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Another event loop's transports are alike, and of no class of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        if self._plane.stopped:
            self._transport.abort()
        else:
            self._plane.opened(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - part of the protocol
        if self._transport is not None:
            self._plane.closed(self._transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        for head in heads:
            try:
                self._transport.write(self._plane.answer(self._instance, _fields(head)))
            except ConnectionAbortedError:
                self._transport.abort()
                return


def _fields(head: bytes) -> dict[str, str]:
    """Header fields of a request, names in lower case."""
    fields = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in fields}


def _response(status: int, headers: dict[str, Any] | None = None) -> bytes:
    lines = [f"{name}: {value}" for name, value in {"content-length": 0, **(headers or {})}.items()]
    return "\r\n".join([f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *lines, "", ""]).encode()
