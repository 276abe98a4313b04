# SPDX-License-Identifier: Apache-2.0
"""One HTTP/1.1 exchange on a connection of its own, by as little code as can be: h11 on asyncio's streams.

A relocation asks some forty times through gateways before it removes anything. Measured against a server of a few lines in
the same process: 2.2 ms of CPU a check through httpx's client, pool and transport, 0.7 ms here.
"""

import asyncio
import ssl

import h11
import httpx

from readiness.model import Target

CHUNK = 65536
SHUTDOWN_SECONDS = 1.0
"""How long the other side may take to say goodbye over TLS; nobody waits for it."""


async def exchange(
    target: Target, trust: ssl.SSLContext | None, request: h11.Request, *, most: int
) -> tuple[httpx.Response, bytes]:
    """Connect, send a request without a body, and read the answer.

    Args:
        target: where to, and as whom over TLS.
        trust: for TLS; None speaks without.
        request: with all its headers.
        most: how much of the body is read: reading ends when there is more. 0 ends after the head.

    Raises:
        OSError: the connection cannot be made, or breaks; TLS errors among them.
        h11.ProtocolError: what came, or was to be sent, is no HTTP.
    """
    reader, writer = await _connected(target, trust)
    try:
        protocol = h11.Connection(h11.CLIENT)
        writer.write((protocol.send(request) or b"") + (protocol.send(h11.EndOfMessage()) or b""))
        return await _answer(protocol, reader, most)
    finally:
        writer.close()


async def _connected(target: Target, trust: ssl.SSLContext | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if trust is None:
        return await asyncio.open_connection(target.host, target.port)
    name = target.server_name or target.host
    return await asyncio.open_connection(
        target.host, target.port, ssl=trust, server_hostname=name, ssl_shutdown_timeout=SHUTDOWN_SECONDS
    )


async def _answer(protocol: h11.Connection, reader: asyncio.StreamReader, most: int) -> tuple[httpx.Response, bytes]:
    response, body = httpx.Response(0), b""
    while not isinstance(event := await _event(protocol, reader), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            response = httpx.Response(event.status_code, headers=list(event.headers))
            if not most:
                break
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > most:
                break
    return response, body


async def _event(protocol: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := protocol.next_event()) is h11.NEED_DATA:
        data = await reader.read(CHUNK)
        if not data and protocol.their_state is h11.SEND_RESPONSE:
            raise h11.RemoteProtocolError("the connection was closed without an answer")
        protocol.receive_data(data)
    return event
