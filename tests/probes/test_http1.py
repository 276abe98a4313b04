# SPDX-License-Identifier: Apache-2.0
"""The prober's own HTTP/1.1: which answers it understands, and which connections it takes again."""

import asyncio

import pytest

from relocate.model.application import Watch
from relocate.prober.http import HttpSender
from relocate.prober.records import Result
from steering.model import Endpoint, ProbePoint

WATCH = Watch(path="/healthz", period_seconds=0.05, timeout_seconds=0.5)
CHUNKED = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-relocate-side: mec-a\r\n\r\n"
    b"3\r\nabc\r\n0\r\n\r\n"
)


def sender(port: int, path: str = WATCH.path) -> HttpSender:
    """Of a vantage at a port of loopback."""
    endpoint = Endpoint(host="127.0.0.1", port=port)
    point = ProbePoint(instance="edge-1", endpoint=endpoint, tls=False, server_name="app.test")
    return HttpSender(WATCH.model_copy(update={"path": path}), point, None)


async def connections_of(server, count: int) -> int:
    """How many connections a server sees for so many requests, one after the other, all answered right."""
    asking = sender(server.port)
    for _ in range(count):
        found = await asking.send(fresh=False)
        assert found.result is Result.RIGHT, found
        await asyncio.sleep(0.02)  # an end of the connection that follows the answer has arrived
    await asking.close()
    return int(server.connections)


async def test_a_chunked_answer_is_read_to_its_end(raw) -> None:
    """Interim answers and chunks are understood: the connection carries the next request."""
    async with raw.serving(CHUNKED) as server:
        assert await connections_of(server, 3) == 1


async def test_a_connection_that_the_gateway_ends_is_not_taken_again(raw) -> None:
    """Whether it says so (`connection: close`) or just closes after the answer: no request is sent into the void."""
    async with raw.serving(raw.answer(x_relocate_side="mec-a", connection="close")) as server:
        assert await connections_of(server, 3) == 3

    async def once(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(raw.answer(x_relocate_side="mec-a"))
        await writer.drain()

    async with raw.dripping(once) as server:
        assert await connections_of(server, 3) == 3


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nabc", "RemoteProtocolError: peer closed"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "RemoteProtocolError: "),
    ],
)
async def test_half_an_answer_is_none(raw, reply, words) -> None:
    """A body that is cut off, or what is no HTTP at all, fails and says why."""

    async def written(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        await writer.drain()
        writer.close()

    async with raw.dripping(written) as server:
        asking = sender(server.port)
        found = await asking.send(fresh=False)
        await asking.close()
    assert found.result is Result.FAILED
    assert found.status.startswith(words)


async def test_any_path_is_sent(raw) -> None:
    """What must be quoted is; what is quoted already, and a query, stay as they are."""
    async with raw.serving(raw.answer(x_relocate_side="mec-a")) as server:
        asking = sender(server.port, "/ü b%20c?d=[e]")
        assert (await asking.send(fresh=True)).result is Result.RIGHT
        assert server.heads[0].startswith(b"GET /%C3%BC%20b%20c?d=%5Be%5D HTTP/1.1\r\n")


async def test_requests_at_once_have_a_connection_each(raw) -> None:
    """A slow answer holds up nobody: the next request goes over another connection, and both are kept."""

    async def slow(_: bytes) -> bytes:
        await asyncio.sleep(0.1)
        return raw.answer(x_relocate_side="mec-a")

    async with raw.serving(slow) as server:
        asking = sender(server.port)
        for _ in range(2):
            found = await asyncio.gather(*(asking.send(fresh=False) for _ in range(2)))
            assert [each.result for each in found] == [Result.RIGHT] * 2
        await asking.close()
        assert server.connections == 2
