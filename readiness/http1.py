# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 connections, by as little code as can be: h11 on asyncio's streams. For probes, the prober and the demo's UEs.

They live on the machines of those whom they watch, 20 requests a second through each gateway instance. Measured: a check on
a connection of its own takes 2.2 ms of CPU through httpx's client, pool and transport, and 0.7 ms here. And httpcore 1.0.9
loses count of its pool's places when a request is cancelled at its time-out; here one time-out is one failure.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import h11

CHUNK = 65536
SHUTDOWN_SECONDS = 1.0
"""How long the other side may take to say goodbye over TLS; nobody waits for it."""


class NoAnswer(Exception):
    """The connection was closed before an answer's head was complete."""

    def __init__(self) -> None:
        super().__init__("the connection was closed without an answer")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    fields: Sequence[tuple[bytes, bytes]]
    """Header fields as they came, names in lower case."""
    body: bytes
    """As much of it as was asked for."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case; of a repeated one the last value."""
        return {name.decode(): value.decode("latin-1") for name, value in self.fields}


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Args: reader, writer: connected, the TLS handshake done."""
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.CLIENT)
        self.used = 0.0
        """Monotonic seconds when it last answered."""

    @classmethod
    async def open(cls, host: str, port: int, trust: ssl.SSLContext | None, server_name: str) -> "Line":
        """Connect.

        Args:
            host: where to ...
            port: ... and at which port.
            trust: for TLS; None speaks without.
            server_name: whom the certificate must name.

        Raises:
            OSError: it cannot be done; TLS errors among them.
        """
        return cls(*await asyncio.open_connection(host, port, **_security(trust, server_name)))

    @classmethod
    async def over(cls, connection: socket.socket, trust: ssl.SSLContext | None, server_name: str) -> "Line":
        """Take a TCP connection over: it is closed with the line. Otherwise as `open`.

        Raises:
            OSError: TLS errors.
        """
        return cls(*await asyncio.open_connection(sock=connection, **_security(trust, server_name)))

    @property
    def usable(self) -> bool:
        """Whether another request may be sent: the last answer is complete, and the other side has not closed."""
        idle = self._protocol.our_state is h11.IDLE and not self._writer.is_closing()
        return idle and not self._reader.at_eof()

    async def ask(self, request: h11.Request, *, most: int | None = None) -> Response:
        """Send one request without a body, and read the answer.

        Args:
            request: with all its headers.
            most: bytes of the body after which reading ends, and with it the connection's use; 0 reads the head alone.
                None reads all of it.

        Raises:
            OSError, NoAnswer: the connection broke.
            h11.RemoteProtocolError: what came is no HTTP.
        """
        self._writer.write((self._protocol.send(request) or b"") + (self._protocol.send(h11.EndOfMessage()) or b""))
        response: h11.Response | None = None
        body = bytearray()
        while not isinstance(event := await self._event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += event.data
            if response is not None and most is not None and (most == 0 or len(body) > most):
                break
        if response is None:
            raise NoAnswer
        if self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
        self.used = time.monotonic()
        return Response(response.status_code, list(response.headers), bytes(body))

    async def _event(self) -> object:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            data = await self._reader.read(CHUNK)
            if not data and self._protocol.their_state is h11.SEND_RESPONSE:
                raise NoAnswer
            self._protocol.receive_data(data)
        return event

    def close(self) -> None:
        """Close it; in the middle of an exchange it is cut."""
        if self._protocol.their_state in {h11.SEND_RESPONSE, h11.SEND_BODY}:
            self._writer.transport.abort()
        else:
            self._writer.close()


def _security(trust: ssl.SSLContext | None, server_name: str) -> Mapping[str, Any]:
    """Options of a connection: TLS where it is wanted."""
    if trust is None:
        return {}
    return {"ssl": trust, "server_hostname": server_name, "ssl_shutdown_timeout": SHUTDOWN_SECONDS}


class Lines:
    """Connections that are kept for the next request."""

    def __init__(
        self, host: str, port: int, trust: ssl.SSLContext | None, server_name: str, *, idle_seconds: float
    ) -> None:
        """Args: host, port, trust, server_name: see `Line.open`; idle_seconds: an older connection is not taken again."""
        self._open = partial(Line.open, host, port, trust, server_name)
        self._idle_seconds = idle_seconds
        self._kept: list[Line] = []

    def take(self) -> Line | None:
        """A connection that was kept and can be used, or None."""
        self._let_go([line for line in self._kept if not self._fit(line)])
        return self._kept.pop() if self._kept else None

    async def open(self) -> Line:
        """A fresh connection.

        Raises:
            OSError: see `Line.open`.
        """
        return await self._open()

    def keep(self, line: Line) -> None:
        """Give a connection back."""
        if line.usable:
            self._kept.append(line)
        else:
            line.close()

    def close(self) -> None:
        """Close all that are kept."""
        self._let_go(self._kept)

    def _fit(self, line: Line) -> bool:
        return line.usable and time.monotonic() - line.used <= self._idle_seconds

    def _let_go(self, lines: Sequence[Line]) -> None:
        for line in list(lines):
            self._kept.remove(line)
            line.close()
