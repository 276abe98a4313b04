# SPDX-License-Identifier: Apache-2.0
"""Real clients against servers that misbehave: nothing is sent twice, and nothing wrong passes for right."""

import asyncio
import gc
from typing import Any

import pytest

from relocate.demo.traffic.clients.contract import Requester
from relocate.demo.traffic.clients.grpc import GrpcRequester, open_channel
from relocate.demo.traffic.clients.http1 import Http1Requester
from relocate.demo.traffic.clients.http2 import Http2Requester
from relocate.demo.traffic.ledger import NotRightError, Ticket
from relocate.demo.traffic.plan import Flow, GatewayInstance, Protocol
from relocate.demo.traffic.record import Outcome
from tests.traffic.refusing import (
    Respond,
    answer_each,
    canned_server,
    goaway_before_answers,
    goaway_before_second,
    hanging_up_server,
    http2_server,
    refuse_each,
    silent_at_second,
)


def gateway(port: int) -> GatewayInstance:
    """Without TLS."""
    return GatewayInstance(name="edge-1", port=port, server_name="navigator.edge.test")


def http(port: int, protocol: Protocol) -> Requester:
    """An HTTP client with one connection."""
    kind = Http2Requester if protocol is Protocol.HTTP2 else Http1Requester
    return kind(gateway(port), Flow(protocol=protocol, rate=1, connections=1, fresh_every=0), None)


async def ask(requester: Requester, name: str) -> Outcome:
    """What becomes of one request."""
    try:
        await requester.ask(Ticket(0, 0, 0, name), "cell-a")
    except NotRightError as reason:
        return reason.outcome
    return Outcome.RIGHT


async def test_http2_does_not_send_again_after_a_goaway() -> None:
    """The library would, on a new connection: the UE would not notice what today's order did to it."""
    async with http2_server(goaway_before_second) as seen:
        requester = http(seen.port, Protocol.HTTP2)
        assert [await ask(requester, name) for name in ("r-1", "r-2", "r-3")] == [
            Outcome.RIGHT,
            Outcome.FAILED,
            Outcome.RIGHT,
        ]
        await requester.close()
    assert seen.ids == ["r-1", "r-2", "r-3"]


async def test_a_connection_is_left_once_a_goaway_leaves_it_nothing_to_do() -> None:
    """It is closed then, not kept for as long as the UE is there, and not left to the garbage collector either."""
    async with http2_server(goaway_before_second) as seen:
        requester = http(seen.port, Protocol.HTTP2)
        assert [await ask(requester, name) for name in ("r-1", "r-2")] == [Outcome.RIGHT, Outcome.FAILED]
        gc.collect()
        async with asyncio.timeout(5):
            await seen.left.wait()
        await requester.close()


async def test_what_is_under_way_is_answered_after_a_goaway() -> None:
    """A gateway that drains says GOAWAY and answers what it has; only what comes later takes another connection."""
    async with http2_server(goaway_before_answers) as seen:
        requester = http(seen.port, Protocol.HTTP2)
        assert await asyncio.gather(ask(requester, "r-1"), ask(requester, "r-2")) == [Outcome.RIGHT, Outcome.RIGHT]
        assert seen.connections == 1
        assert await ask(requester, "r-3") is Outcome.RIGHT
        await requester.close()
    assert (seen.connections, seen.ids) == (2, ["r-1", "r-2", "r-3"])


async def test_a_connection_that_is_slow_to_come_costs_only_who_gave_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests wait for one connection; whoever leaves does not take it along."""
    connect, may_connect, begun = asyncio.open_connection, asyncio.Event(), []

    async def slow(*where: Any, **how: Any) -> Any:
        begun.append(where)
        await may_connect.wait()
        return await connect(*where, **how)

    monkeypatch.setattr(asyncio, "open_connection", slow)
    async with http2_server(answer_each) as seen:
        requester = http(seen.port, Protocol.HTTP2)
        asked = [asyncio.create_task(ask(requester, name)) for name in ("r-1", "r-2")]
        await asyncio.wait(asked, timeout=0.05)
        asked[0].cancel()
        may_connect.set()
        assert await asked[1] is Outcome.RIGHT
        await requester.close()
    assert (len(begun), seen.ids) == (1, ["r-2"])


async def test_a_request_that_was_given_up_costs_no_other() -> None:
    """Over HTTP/2 one time-out is one failure: the others go on over the same connection."""
    async with http2_server(silent_at_second) as seen:
        requester = http(seen.port, Protocol.HTTP2)
        assert await ask(requester, "r-1") is Outcome.RIGHT
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(requester, "r-2")
        assert [await ask(requester, name) for name in ("r-3", "r-4")] == [Outcome.RIGHT, Outcome.RIGHT]
        await requester.close()
    assert (seen.connections, seen.ids) == (1, ["r-1", "r-2", "r-3", "r-4"])


async def test_http1_does_not_send_again_after_a_closed_connection() -> None:
    """A kept-alive connection that the other side closes costs the request that was on it."""
    async with hanging_up_server() as seen:
        requester = http(seen.port, Protocol.HTTP1)
        assert [await ask(requester, name) for name in ("r-1", "r-2")] == [Outcome.RIGHT, Outcome.FAILED]
        await requester.close()
    assert seen.ids == ["r-1", "r-2"]


@pytest.mark.parametrize("refuse", [goaway_before_second, refuse_each])
async def test_grpc_does_not_send_again_what_was_not_processed(refuse: Respond) -> None:
    """Neither after a GOAWAY nor after a refused stream: transparent retries are off as well."""
    async with http2_server(refuse) as seen:
        requester = GrpcRequester(open_channel(gateway(seen.port)))
        assert [await ask(requester, name) for name in ("r-1", "r-2")] == [Outcome.FAILED, Outcome.FAILED]
        await requester.close()
    assert seen.ids == ["r-1", "r-2"]


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"id": "r-1", "instance": "a-1", "cluster": "mec-a"}', Outcome.RIGHT),
        (200, b'{"id": "r-2", "instance": "a-1", "cluster": "mec-a"}', Outcome.WRONG),
        (200, b'{"id": "r-1", "cluster": "mec-a"}', Outcome.WRONG),
        (200, b"<html>", Outcome.WRONG),
        (200, b"[]", Outcome.WRONG),
        (200, b"\xff\xfe", Outcome.WRONG),
        (404, b'{"id": "r-1", "instance": "a-1", "cluster": "mec-a"}', Outcome.WRONG),
        (302, b"", Outcome.WRONG),
        (500, b"", Outcome.FAILED),
        (503, b'{"id": "r-1", "instance": "a-1", "cluster": "mec-a"}', Outcome.FAILED),
    ],
)
async def test_an_answer_is_right_only_in_all_respects(status: int, body: bytes, outcome: Outcome) -> None:
    """Status, id and an instance's name; 5xx is no answer, everything else that is not right is wrong."""
    async with canned_server(status, body) as seen:
        requester = http(seen.port, Protocol.HTTP1)
        assert await ask(requester, "r-1") is outcome
        await requester.close()


@pytest.mark.parametrize("protocol", [Protocol.HTTP1, Protocol.HTTP2])
async def test_nobody_listening_is_a_failure(protocol: Protocol) -> None:
    """Port 1 refuses."""
    requester = http(1, protocol)
    assert await ask(requester, "r-1") is Outcome.FAILED
    await requester.close()
