# SPDX-License-Identifier: Apache-2.0
"""A harness whose gateway is asked as UEs ask it: what is the same for every real data plane with the tests' backends."""

import os
import signal
import ssl
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from steering.conformance import ConformanceHarness, Reply, Stream
from steering.model import RouteDocument
from tests.envoy.rig import DOMAIN, HTTP, of, told


class _WebSocket(Stream):
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def ask(self) -> str:
        try:
            await self._connection.send("who")
            return str(await self._connection.recv())
        except ConnectionClosed as error:
            raise OSError(str(error)) from error


class UeHarness(ConformanceHarness):
    """Says where each instance listens, who is trusted there, and which process it is."""

    ports = (HTTP,)

    @abstractmethod
    def listener(self, instance: str) -> tuple[str, int]:
        """Where UEs reach an instance."""

    @abstractmethod
    def trust(self) -> ssl.SSLContext:
        """Whom UEs trust."""

    @abstractmethod
    def process(self, instance: str) -> int:
        """Process id of an instance."""

    def hosts(self, route: str) -> tuple[str, ...]:
        """Covered by the listeners' certificate."""
        return (f"{route}.{DOMAIN}",)

    async def request(self, instance: str, document: RouteDocument, *, token: str | None = None) -> Reply:
        """A GET on a fresh connection."""
        address, port = self.listener(instance)
        try:
            async with httpx.AsyncClient(verify=self.trust(), timeout=5.0, trust_env=False) as client:
                response = await client.get(f"https://{address}:{port}/", **of(document.route, token=token))
        except httpx.HTTPError as error:
            return Reply(error=repr(error))
        status, side, epoch = told(response)
        if status != 200:
            return Reply(side=side, epoch=epoch, error=f"{status} {response.text}")
        return Reply(side=side, epoch=epoch, answered_by=response.json()["name"])

    def stream(self, instance: str, document: RouteDocument) -> AbstractAsyncContextManager[Stream]:
        """A WebSocket."""
        host = self.hosts(document.route)[0]

        @asynccontextmanager
        async def opened() -> AsyncIterator[Stream]:
            address, port = self.listener(instance)
            async with connect(f"wss://{host}/ws", host=address, port=port, ssl=self.trust()) as connection:
                yield _WebSocket(connection)

        return opened()

    def poison(self, document: RouteDocument) -> RouteDocument:
        """An epoch that cannot stand in a header."""
        return document.model_copy(update={"epoch": "two\nlines"})

    def uncounted(self, instance: str) -> AbstractAsyncContextManager[None]:
        """The instance is stopped for a while, so that its counters cannot be read."""

        @asynccontextmanager
        async def hidden() -> AsyncIterator[None]:
            os.kill(self.process(instance), signal.SIGSTOP)
            try:
                yield
            finally:
                os.kill(self.process(instance), signal.SIGCONT)

        return hidden()
