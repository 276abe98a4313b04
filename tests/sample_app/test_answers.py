# SPDX-License-Identifier: Apache-2.0
"""Each answer says who gave it and to which request, over every protocol."""

import json
import time

import grpc
import httpx
import pytest
import websockets
from grpc_health.v1 import health_pb2, health_pb2_grpc

from relocate.demo.app.answers import read
from relocate.demo.app.echo import PING, SAY, SERVICE, WATCH, decode, encode

WHO = {"instance": "echo-1", "cluster": "mec-a"}


@pytest.mark.parametrize("version", ["1.1", "2"])
async def test_an_http_answer_names_instance_cluster_and_request(warm, version):
    """Over HTTP/1.1 and HTTP/2, in the body and in headers; one connection carries many requests."""
    async with httpx.AsyncClient(base_url=warm.url, http1=version == "1.1", http2=version == "2") as client:
        for number in ("7", "8"):
            answer = await client.get("/whoami", headers={"x-request-id": number})
            assert answer.status_code == 200
            assert answer.http_version == f"HTTP/{version}"
            assert answer.json() == WHO | {"id": number, "protocol": version, "cell": ""}
            assert {name: answer.headers[f"x-{name}"] for name in ("instance", "cluster", "request-id")} == WHO | {
                "request-id": number
            }


async def test_each_websocket_message_is_answered_with_its_id(warm):
    """A WebSocket answers message by message, and one that makes no sense with what is wanted."""
    async with websockets.connect(f"{warm.url.replace('http', 'ws')}/ws") as socket:
        for number in (1, 2):
            await socket.send(json.dumps({"id": number}))
            assert json.loads(await socket.recv()) == WHO | {"id": number}
        for wrong in ("no json", "[]", "{}", "1"):
            await socket.send(wrong)
            assert "error" in json.loads(await socket.recv())


async def test_a_unary_call_names_instance_cluster_and_message(channel):
    """Over gRPC unary: in the message and in the trailing metadata."""
    call = channel.unary_unary(SAY, encode, decode)({"id": "9"}, timeout=5)
    assert await call == WHO | {"id": "9"}
    assert dict(await call.trailing_metadata()) == {"x-instance": "echo-1", "x-cluster": "mec-a"}


async def test_a_stream_has_as_many_messages_as_were_asked_for(channel):
    """A gRPC server stream: numbered, each with who sent it."""
    call = channel.unary_stream(WATCH, encode, decode)({"id": "9", "count": 3, "every_ms": 1}, timeout=5)
    assert [message async for message in call] == [WHO | {"id": "9", "n": number} for number in range(3)]


async def test_a_late_call_makes_one_message_late_not_all(channel):
    """Paced from when the first message was due: of a call half a period late, the second comes half a period later."""
    watched = {"id": "9", "count": 2, "every_ms": 2000, "due_ms": 1000 * time.time() - 1000}
    call = channel.unary_stream(WATCH, encode, decode)(watched, timeout=5)
    came = [time.monotonic() async for _ in call]
    assert came[1] - came[0] < 1.5


@pytest.mark.parametrize("request_", [{"count": 0}, {"count": "many"}, {"every_ms": 0}, {"due_ms": "now"}])
async def test_a_stream_that_makes_no_sense_names_the_field(channel, request_):
    """INVALID_ARGUMENT with the field and what is allowed."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await channel.unary_stream(WATCH, encode, decode)(request_, timeout=5).read()
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.value.details().startswith(next(iter(request_)))


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_grpc_health_says_serving(channel, service):
    """grpc.health.v1 answers for the server and for the service."""
    request = health_pb2.HealthCheckRequest(service=service)
    assert (await health_pb2_grpc.HealthStub(channel).Check(request, timeout=5)).status == 1


async def test_work_takes_as_long_as_asked(warm):
    """/work answers after the wanted time, and names a wrong one."""
    async with httpx.AsyncClient(base_url=warm.url) as client:
        answer = await client.get("/work?ms=120")
        assert answer.status_code == 200
        assert answer.elapsed.total_seconds() >= 0.12
        assert (await client.get("/work?ms=-1")).status_code == 400
        assert (await client.get("/nothing")).status_code == 404


async def test_a_cell_that_is_far_gets_its_answer_later(warm, channel):
    """25 ms more for a cell that this cluster is not near to: per request and per message."""
    async with httpx.AsyncClient(base_url=warm.url) as client:
        near = [await client.get("/whoami", headers={"x-ue-cell": "cell-a"}) for _ in range(5)]
        far = [await client.get("/whoami", headers={"x-ue-cell": "cell-b"}) for _ in range(5)]
    assert min(answer.elapsed.total_seconds() for answer in near) < 0.02
    assert min(answer.elapsed.total_seconds() for answer in far) >= 0.025
    began = time.monotonic()
    await channel.unary_unary(SAY, encode, decode)({"id": 1, "cell": "cell-b"}, timeout=5)
    assert time.monotonic() - began >= 0.025
    async with websockets.connect(f"{warm.url.replace('http', 'ws')}/ws") as socket:
        began = time.monotonic()
        await socket.send(json.dumps({"id": 1, "cell": "cell-b"}))
        await socket.recv()
        assert time.monotonic() - began >= 0.025


async def test_an_instance_logs_what_it_answered(start, tmp_path):
    """The id of each request that was answered well, over HTTP and gRPC, also when it is killed; others are not there."""
    sample = start("--warm-up", "0", "--answers", str(tmp_path))
    await sample.reaches(200)
    async with httpx.AsyncClient(base_url=sample.url) as client:
        await client.get("/whoami", headers={"x-request-id": "http-1"})
        await client.get("/nothing", headers={"x-request-id": "not-found"})
        await client.get("/whoami")
        await client.post("/fault?error_share=1")
        await client.get("/whoami", headers={"x-request-id": "refused"})
        await client.post("/fault?error_share=0")
    async with grpc.aio.insecure_channel(sample.target) as channel:
        await channel.unary_unary(SAY, encode, decode)({"id": "say-1"}, timeout=5)
        assert await channel.unary_unary(PING)(b"", metadata=(("x-request-id", "ping-1"),), timeout=5) == b""
    sample.process.kill()
    await sample.ends()
    assert read(tmp_path) == {name: ["echo-1"] for name in ("http-1", "say-1", "ping-1")}
