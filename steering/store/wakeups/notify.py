# SPDX-License-Identifier: Apache-2.0
"""Wake-ups by PostgreSQL: NOTIFY in the transaction that writes, LISTEN on a connection of one's own.

That connection is to the server itself, or to a pooler that keeps sessions apart: one that pools transactions forgets who listens.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, text

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_LOG = logging.getLogger(__name__)

CHANNEL = "steering_routes"
_NOTIFY = text(f"NOTIFY {CHANNEL}")

CHECK_SECONDS = 5.0
"""A listener that hears nothing for so long asks whether the server is still there."""
ANSWER_SECONDS = 5.0
"""Longest time for a connection, and for an answer; then it is made anew."""
PAUSE_SECONDS = 0.5
"""Between two attempts to connect; meanwhile whoever is to be woken polls, as ever."""


class Notify:
    """See `WakeUps`."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: of the database."""
        self._engine = engine

    def within(self, connection: Connection) -> None:
        """Told with the commit, and only then."""
        connection.execute(_NOTIFY)

    def after(self) -> None:
        """Nothing is left to do."""

    @asynccontextmanager
    async def listen(self, woken: asyncio.Event, host: str) -> AsyncIterator[str]:  # noqa: ARG002, the database needs no address
        """Listen, and connect anew whenever the connection is lost."""
        listening = asyncio.create_task(self._listen(woken))
        try:
            yield ""
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def _listen(self, woken: asyncio.Event) -> None:
        import psycopg  # noqa: PLC0415, where there is no PostgreSQL it need not be installed

        hears = True
        while True:
            try:
                async with await self._connected() as connection:
                    if not hears:
                        _LOG.info("the database's wake-ups are heard again")
                    hears = True
                    await _hear(connection, woken)
            except (psycopg.Error, TimeoutError, OSError) as error:
                if hears:
                    _LOG.warning("the database's wake-ups are not heard, its routes are polled: %s", error)
                hears = False
                await asyncio.sleep(PAUSE_SECONDS)

    async def _connected(self) -> "AsyncConnection[Any]":
        import psycopg  # noqa: PLC0415

        _, arguments = self._engine.dialect.create_connect_args(self._engine.url)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await psycopg.AsyncConnection.connect(**arguments, autocommit=True)


async def _hear(connection: "AsyncConnection[Any]", woken: asyncio.Event) -> None:
    """Set `woken` for every notification; ends with the error that ends the connection."""
    await _ask(connection, f"LISTEN {CHANNEL}")
    woken.set()  # for what was written before we listened
    while True:
        async for _ in connection.notifies(timeout=CHECK_SECONDS):
            woken.set()
        await _ask(connection, "SELECT 1")


async def _ask(connection: "AsyncConnection[Any]", statement: str) -> None:
    async with asyncio.timeout(ANSWER_SECONDS):
        await connection.execute(statement)
