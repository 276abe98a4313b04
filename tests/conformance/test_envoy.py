# SPDX-License-Identifier: Apache-2.0
"""Two real Envoys with the real control plane keep every promise of the contract."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from steering.conformance import ConformanceHarness, Reply, Stream
from steering.conformance.suite import ConformanceSuite
from steering.contract import SteeringAdapter
from steering.model import Backend, RouteDocument
from tests.envoy.rig import DOMAIN, HTTP, Rig, of, told


class _WebSocket(Stream):
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def ask(self) -> str:
        try:
            await self._connection.send("who")
            return str(await self._connection.recv())
        except ConnectionClosed as error:
            raise OSError(str(error)) from error


class EnvoyHarness(ConformanceHarness):
    """A rig with two Envoys."""

    name = "envoy"
    ports = (HTTP,)

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._rig = Rig()

    def start(self) -> None:
        """Start everything."""
        self._rig.start()

    def stop(self) -> None:
        """End everything."""
        self._rig.stop()

    def adapter(self) -> SteeringAdapter:
        """A new one, with a database connection of its own."""
        return self._rig.adapter()

    def instances(self) -> tuple[str, ...]:
        """Both Envoys."""
        return self._rig.instances

    def backends(self) -> tuple[Backend, Backend]:
        """Both applications."""
        return self._rig.backend("a"), self._rig.backend("b")

    def hosts(self, route: str) -> tuple[str, ...]:
        """Covered by the rig's certificate."""
        return (f"{route}.{DOMAIN}",)

    async def request(self, instance: str, document: RouteDocument, *, token: str | None = None) -> Reply:
        """A GET on a fresh connection."""
        try:
            async with self._rig.client() as client:
                response = await client.get(self._rig.url(instance), **of(document.route, token=token))
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
            port = self._rig.port(instance)
            async with connect(f"wss://{host}/ws", host="127.0.0.1", port=port, ssl=self._rig.trust) as connection:
                yield _WebSocket(connection)

        return opened()

    def poison(self, document: RouteDocument) -> RouteDocument:
        """An epoch that cannot stand in a header."""
        return document.model_copy(update={"epoch": "two\nlines"})

    def cut_off(self, instance: str) -> AbstractAsyncContextManager[None]:  # noqa: ARG002, it is all of them
        """No control plane for anybody."""

        @asynccontextmanager
        async def cut() -> AsyncIterator[None]:
            self._rig.kill("control")
            try:
                yield
            finally:
                await asyncio.to_thread(self._rig.start_control)

        return cut()

    def uncounted(self, instance: str) -> AbstractAsyncContextManager[None]:
        """The Envoy is stopped for a while, so its admin interface does not answer."""

        @asynccontextmanager
        async def hidden() -> AsyncIterator[None]:
            os.kill(self._rig.processes[instance].pid, signal.SIGSTOP)
            try:
                yield
            finally:
                os.kill(self._rig.processes[instance].pid, signal.SIGCONT)

        return hidden()


@pytest.mark.timeout(120)
class TestEnvoy(ConformanceSuite):
    """All cases."""

    harness = EnvoyHarness
