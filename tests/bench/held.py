# SPDX-License-Identifier: Apache-2.0
"""Relocations that run and do not end: their target is up and answers, and is not ready."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx

from relocate.demo import site
from relocate.demo.system import System
from relocate.model.application import Application
from relocate.model.cluster import Cluster
from relocate.model.relocation import Phase, View

HERE, THERE = "bench-here", "bench-there"
MOST = 200
"""Applications that the clusters know."""
AT_ONCE = 4
"""Placements and relocations under way at a time."""
PATIENCE_SECONDS = 120.0


class Held:
    """A growing number of relocations, each of an application of its own, on clusters that somebody else runs."""

    def __init__(self, system: System, ports: Sequence[int]) -> None:
        """Args: system: that runs; ports: of the instance that is ready, and of the one that is not."""
        self._system = system
        self._ports = dict(zip((HERE, THERE), ports, strict=True))
        self._number = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, system: System) -> AsyncIterator["Held"]:
        """Instances and clusters, while the block lasts. The relocations end with the system."""
        servers = [await _answering(status) for status in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)]
        try:
            held = cls(system, [server.sockets[0].getsockname()[1] for server in servers])
            await held._configure()
            yield held
        finally:
            for server in servers:
                server.close()

    async def reach(self, number: int) -> None:
        """Let so many be held.

        Raises:
            RuntimeError: one of them ended.
            TimeoutError: not all of them are there in time.
        """
        limit = asyncio.Semaphore(AT_ONCE)
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for one in range(self._number, number):
                group.create_task(self._hold(_name(one), limit))
        self._number = number

    async def _configure(self) -> None:
        async with self._system.client() as client:
            for cluster, port in self._ports.items():
                at = {"http": [{"host": "127.0.0.1", "port": port}]}
                settings = {"endpoints": {_name(number): at for number in range(MOST)}}
                body = Cluster(name=cluster, driver="external", settings=settings).model_dump(mode="json")
                (await client.put(f"/v1/clusters/{cluster}", json=body)).raise_for_status()

    async def _hold(self, name: str, limit: asyncio.Semaphore) -> None:
        async with limit, self._system.client() as client:
            await self._system.describe(_application(name))
            await self._place(name)
            answer = await client.post("/relocate", json={"application": name, "target": THERE})
            identity = answer.raise_for_status().json()["id"]
            while True:
                found = await client.get(f"/v1/relocations/{identity}")
                view = View.model_validate(found.raise_for_status().json())
                if view.outcome is not None:
                    raise RuntimeError(f"a relocation that was to be held ended: {view.sentence}")
                if view.phase is Phase.READY:
                    return
                await asyncio.sleep(0.2)

    async def _place(self, name: str) -> None:
        try:
            await self._system.place(name, HERE)
        except httpx.HTTPStatusError as error:
            raise RuntimeError(f"{name} was not placed: {error.response.text}") from error


def _name(number: int) -> str:
    return f"held-{number}"


def _application(name: str) -> Application:
    """As the demo's, but it runs elsewhere and is asked seldom: what is measured is memory."""
    body: dict[str, Any] = site.application(name).model_dump(mode="json")
    route = body["routes"][0]
    route |= {"ports": route["ports"][:1], "watch": route["watch"] | {"period_seconds": 10, "path": "/"}}
    gate = {"period_seconds": 10, "stable_seconds": 0, "deadline_seconds": 3600}
    body |= {
        "workloads": {"external": {}},
        "readiness": body["readiness"] | gate | {"probes": body["readiness"]["probes"][:1]},
    }
    return Application.model_validate(body)


async def _answering(status: HTTPStatus) -> asyncio.Server:
    """An instance on a free port that answers every request with this status."""
    answer = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\n\r\n".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)
