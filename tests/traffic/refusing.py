# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 and HTTP/1.1 servers without TLS that count what reaches them, and refuse in ways that invite a second sending."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived
from hyperframe.frame import GoAwayFrame

from tests.connections import Connections, Serve

ANSWER = b'{"id": "%s", "instance": "a-1", "cluster": "mec-a"}'

Respond = Callable[[H2Connection, int, str, int], bytes | None]
"""Given the connection, the stream, the request's id, and how many requests have come so far, this one included.

What it returns goes out before what it gave the connection to send.
"""


class Seen:
    """Where a server listens and which request ids reached it."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.ids: list[str] = []
        self.left = asyncio.Event()
        """Set once a client has closed a connection."""


def answer(connection: H2Connection, stream: int, request_id: str) -> None:
    """The right answer."""
    connection.send_headers(stream, [(":status", "200"), ("content-type", "application/json")])
    connection.send_data(stream, ANSWER % request_id.encode(), end_stream=True)


def answer_each(connection: H2Connection, stream: int, request_id: str, _count: int) -> None:
    """Nothing is refused."""
    answer(connection, stream, request_id)


def goaway_before_second(connection: H2Connection, stream: int, request_id: str, count: int) -> None:
    """The second request is told that it was not processed, by GOAWAY."""
    if count == 2:
        connection.close_connection(last_stream_id=stream - 2)
    else:
        answer(connection, stream, request_id)


def goaway_before_answers(connection: H2Connection, stream: int, request_id: str, count: int) -> bytes | None:
    """Two requests are answered, and the connection takes no more: a drain as gateways do it, nothing refused."""
    if count == 1:
        return None
    if count > 2:
        answer(connection, stream, request_id)
        return None
    answer(connection, stream - 2, "r-1")
    answer(connection, stream, request_id)
    return GoAwayFrame(0, last_stream_id=2**31 - 1).serialize()


def refuse_each(connection: H2Connection, stream: int, _request_id: str, _count: int) -> None:
    """Each request is told that it was not processed, by RST_STREAM."""
    connection.reset_stream(stream, ErrorCodes.REFUSED_STREAM)


def silent_at_second(connection: H2Connection, stream: int, request_id: str, count: int) -> None:
    """The second request is never answered."""
    if count != 2:
        answer(connection, stream, request_id)


@asynccontextmanager
async def http2_server(respond: Respond) -> AsyncIterator[Seen]:
    """HTTP/2 with prior knowledge."""
    seen = Seen()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, RequestReceived):
                    headers = {str(name): str(value) for name, value in event.headers}
                    seen.ids.append(headers["x-request-id"])
                    writer.write(respond(connection, event.stream_id, seen.ids[-1], len(seen.ids)) or b"")
            writer.write(connection.data_to_send())
        seen.left.set()

    async with _listening(serve, seen):
        yield seen


@asynccontextmanager
async def hanging_up_server() -> AsyncIterator[Seen]:
    """HTTP/1.1: the first request of a connection is answered, the second meets a closed connection."""
    seen = Seen()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(2):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            seen.ids.append(head.split("x-request-id: ")[1].split("\r\n")[0])
            if number == 0:
                body = ANSWER % seen.ids[-1].encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    async with _listening(serve, seen):
        yield seen


@asynccontextmanager
async def canned_server(status: int, body: bytes) -> AsyncIterator[Seen]:
    """HTTP/1.1: every request gets this answer."""
    seen = Seen()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d X\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body))

    async with _listening(serve, seen):
        yield seen


@asynccontextmanager
async def _listening(serve: Serve, seen: Seen) -> AsyncIterator[None]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):  # A client that leaves is no error.
                await serve(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    connections = Connections(handle)
    server = await asyncio.start_server(connections.accept, "127.0.0.1", 0)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        await connections.end()
