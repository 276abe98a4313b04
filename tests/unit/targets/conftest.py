# SPDX-License-Identifier: Apache-2.0
"""Offers, and a MEO: a real HTTP server on loopback that answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from relocate.model.application import Requirements
from relocate.targets.contract import Candidate, SelectionRequest
from tests.connections import Connections

settings.register_profile("steady", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def candidate() -> Callable[..., Candidate]:
    """A candidate that is ready, unless told otherwise."""

    def make(cluster: str, **known: Any) -> Candidate:
        return Candidate(**{"cluster": cluster, "ready": True, **known})

    return make


@pytest.fixture
def offer() -> Callable[..., SelectionRequest]:
    """A request about the given candidates, with requirements as keywords."""

    def make(
        *found: Candidate, source: str | None = "mec-a", cell: str | None = None, **wanted: Any
    ) -> SelectionRequest:
        return SelectionRequest(
            id="rel-1",
            application="game",
            source=source,
            cell=cell,
            requirements=Requirements(**wanted),
            candidates=found,
            now=NOW,
        )

    return make


class Meo:
    """What the server answers: a script of (status, body, seconds before it); the last one is repeated."""

    def __init__(self) -> None:
        self.script: list[tuple[int, bytes, float]] = []
        self.asked: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.url = ""
        self.connections = Connections(self.serve)

    def answers(self, body: Any, *, status: int = 200, after: float = 0) -> None:
        """Add an answer to the script."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.script.append((status, content, after))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
        )
        self.asked.append(json.loads(await reader.readexactly(length)))
        self.headers.append(head)
        status, body, after = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        try:
            await asyncio.sleep(after)
            head = f"HTTP/1.1 {status} x\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode() + body)
        finally:
            writer.close()


@pytest.fixture
async def meo() -> AsyncIterator[Meo]:
    """A running MEO."""
    told = Meo()
    server = await asyncio.start_server(told.connections.accept, "127.0.0.1", 0)
    told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/decide"
    yield told
    await told.connections.end()
    server.close()
    await server.wait_closed()
