# SPDX-License-Identifier: Apache-2.0
"""Wake-ups on one machine: a datagram to every control plane that lives."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select

from steering.store.tables import CONTROL_REPLICAS, REPLICA_SILENCE

_POKES = select(CONTROL_REPLICAS.c.poke).where(CONTROL_REPLICAS.c.last_seen >= bindparam("since"))


class Poke:
    """See `WakeUps`."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: in which control planes say where they are."""
        self._engine = engine

    def within(self, connection: Connection) -> None:
        """Nothing: nobody may look before it is committed."""

    def after(self) -> None:
        """Poke each."""
        for address in self._addresses():
            _poke(address)

    @asynccontextmanager
    async def listen(self, woken: asyncio.Event, host: str) -> AsyncIterator[str]:
        """Wait for pokes on a free port."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Poked(woken), local_addr=(host, 0))
        try:
            port = transport.get_extra_info("sockname")[1]
            yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        finally:
            transport.close()

    def _addresses(self) -> Sequence[str]:
        with self._engine.connect() as connection:
            return list(connection.execute(_POKES, {"since": datetime.now(UTC) - REPLICA_SILENCE}).scalars())


class _Poked(asyncio.DatagramProtocol):
    """Any datagram means: look at the database now."""

    def __init__(self, woken: asyncio.Event) -> None:
        self._woken = woken

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:  # noqa: ARG002, the base class's signature
        self._woken.set()


def _poke(address: str) -> None:
    """Wake one control plane. A lost datagram costs at most one poll, so it is not worth an error."""
    host, _, port = address.rpartition(":")
    if not port:
        return
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender, suppress(OSError):
        sender.setblocking(False)
        sender.sendto(b"look", (host, int(port)))
