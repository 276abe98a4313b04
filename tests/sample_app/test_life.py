# SPDX-License-Identifier: Apache-2.0
"""Warm-up, drain, and the faults that drills ask for."""

import asyncio
import time

import grpc
import httpx
import pytest
import websockets
from grpc_health.v1 import health_pb2, health_pb2_grpc

from relocate.demo.app.echo import SAY, WATCH, decode, encode


async def test_the_ports_are_open_before_it_can_serve(start):
    """While it warms up each protocol says so; afterwards each serves."""
    sample = start("--warm-up", "0.7")
    await sample.reaches(503)
    async with httpx.AsyncClient(base_url=sample.url) as client, grpc.aio.insecure_channel(sample.target) as channel:
        answer = await client.get("/whoami")
        assert (answer.status_code, answer.json()["error"]) == (503, "warming up")
        with pytest.raises(websockets.InvalidStatus, match="503"):
            await websockets.connect(f"{sample.url.replace('http', 'ws')}/ws")
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await channel.unary_unary(SAY, encode, decode)({"id": 1}, timeout=5, wait_for_ready=True)
        assert (error.value.code(), error.value.details()) == (grpc.StatusCode.UNAVAILABLE, "warming up")
        health = health_pb2_grpc.HealthStub(channel)
        assert (await health.Check(health_pb2.HealthCheckRequest(), timeout=5)).status == 2
        await sample.reaches(200)
        assert (await client.get("/whoami")).status_code == 200
        await channel.unary_unary(SAY, encode, decode)({"id": 1}, timeout=5)


async def test_one_that_is_never_ready_stays_so(start):
    """A drill's instance opens its ports and never serves."""
    sample = start("--warm-up", "0", "--never-ready")
    await sample.reaches(503)
    await asyncio.sleep(0.3)
    assert await sample.status() == 503


async def test_one_that_flaps_is_ready_and_not_ready_in_turns(start):
    """A drill's instance: ready, not ready, ready again."""
    sample = start("--warm-up", "0", "--flap", "0.3")
    for status in (200, 503, 200, 503):
        await sample.reaches(status)


@pytest.mark.parametrize("version", ["1.1", "2"])
async def test_sigterm_lets_a_request_in_flight_finish(warm, version):
    """The request that was there is answered rightly, a new connection is refused, the exit status is 0."""
    async with httpx.AsyncClient(base_url=warm.url, http1=version == "1.1", http2=version == "2") as client:
        request = asyncio.create_task(client.get("/work?ms=900", headers={"x-request-id": "7"}))
        await asyncio.sleep(0.2)
        warm.terminate()
        await warm.reaches(None)
        answer = await request
    assert (answer.status_code, answer.json()["id"]) == (200, "7")
    assert await warm.ends() == 0


async def test_sigterm_lets_a_unary_call_in_flight_finish(warm, channel):
    """As for a request over HTTP."""
    async with httpx.AsyncClient(base_url=warm.url) as client:
        await client.post("/fault?delay_ms=500")
    call = channel.unary_unary(SAY, encode, decode)({"id": 3}, timeout=5)
    waiting = asyncio.ensure_future(call)
    await asyncio.sleep(0.2)
    warm.terminate()
    assert (await waiting)["id"] == 3
    assert await warm.ends() == 0


async def test_without_anything_in_flight_it_ends_at_once(warm):
    """An idle instance does not wait for its grace time, idle connections or not."""
    async with httpx.AsyncClient(base_url=warm.url) as client:
        await client.get("/whoami")
        began = time.monotonic()
        warm.terminate()
        assert await warm.ends() == 0
        assert time.monotonic() - began < 0.9


async def read_all(stream):
    """Read a stream to its end."""
    while await stream.read() is not grpc.aio.EOF:
        pass


async def test_long_streams_end_with_the_grace_time(warm, channel):
    """A WebSocket goes on until then and is closed with 1001; a gRPC stream ends UNAVAILABLE; the exit status is 0."""
    stream = channel.unary_stream(WATCH, encode, decode)({"id": 1, "count": 1000, "every_ms": 50}, timeout=10)
    await stream.read()
    async with websockets.connect(f"{warm.url.replace('http', 'ws')}/ws") as socket:
        began = time.monotonic()
        warm.terminate()
        await asyncio.sleep(0.3)
        await socket.send('{"id": 5}')
        assert '"id": 5' in await socket.recv()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == 1001
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await read_all(stream)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert await warm.ends() == 0
    assert 1 <= time.monotonic() - began < 3


async def test_a_request_longer_than_the_grace_time_is_cut_and_told_so(warm):
    """It is answered 503 when the grace time ends, not dropped."""
    async with httpx.AsyncClient(base_url=warm.url) as client:
        request = asyncio.create_task(client.get("/work?ms=90000", timeout=10))
        await asyncio.sleep(0.2)
        warm.terminate()
        answer = await request
    assert (answer.status_code, answer.json()["error"]) == (503, "cut: the grace time is over")
    assert await warm.ends() == 0


async def test_a_share_of_requests_fails_when_a_drill_says_so(warm, channel):
    """Exactly the share, evenly spread: half is every second one, over HTTP and gRPC."""
    async with httpx.AsyncClient(base_url=warm.url) as client:
        await client.post("/fault?error_share=0.5")
        statuses = [(await client.get("/whoami")).status_code for _ in range(6)]
        assert statuses == [200, 500] * 3
        await client.post("/fault?error_share=1")
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await channel.unary_unary(SAY, encode, decode)({"id": 1}, timeout=5)
        assert error.value.code() is grpc.StatusCode.INTERNAL
        await client.post("/fault?error_share=0")
        assert (await client.get("/whoami")).status_code == 200


async def test_it_crashes_when_a_drill_says_so(warm):
    """The process ends with the wanted status."""
    async with httpx.AsyncClient(base_url=warm.url) as client:
        assert (await client.post("/fault?exit=3")).status_code == 200
    assert await warm.ends() == 3


async def test_it_freezes_when_a_drill_says_so(warm):
    """Nothing is answered meanwhile, afterwards everything is."""
    async with httpx.AsyncClient(base_url=warm.url) as client:
        await client.post("/fault?freeze=0.5")
        await asyncio.sleep(0.1)
        answer = await client.get("/whoami")
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() > 0.2


async def test_it_becomes_unready_when_a_drill_says_so(warm, channel):
    """Health turns, over HTTP and gRPC."""
    async with httpx.AsyncClient(base_url=warm.url) as client:
        await client.post("/fault?never_ready=1")
    assert await warm.status() == 503
    health = health_pb2_grpc.HealthStub(channel)
    async with asyncio.timeout(2):
        while (await health.Check(health_pb2.HealthCheckRequest(), timeout=5)).status != 2:  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("query", ["", "?error_share=2", "?exit=x", "?explode=1", "?delay_ms=1&error_share=-1"])
async def test_a_fault_that_makes_no_sense_breaks_nothing(warm, query):
    """It is answered 400 with what is allowed; GET is refused."""
    async with httpx.AsyncClient(base_url=warm.url) as client:
        assert (await client.post(f"/fault{query}")).status_code == 400
        assert (await client.get("/fault?error_share=1")).status_code == 405
        assert (await client.get("/whoami")).status_code == 200


async def test_a_port_that_is_taken_ends_it_with_a_message(warm, start):
    """Status 1 and one sentence: two instances never share a port."""
    for taken in (["--http-port", str(warm.http_port)], ["--grpc-port", str(warm.grpc_port)]):
        second = start(*taken)
        assert await second.ends() == 1
        assert b"the sample application cannot start" in second.process.stderr.read()
