# SPDX-License-Identifier: Apache-2.0
"""The prober against real servers."""

import asyncio
import socket
import time
from collections.abc import Sequence

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from relocate.model.application import Watch
from relocate.prober.claim import summed
from relocate.prober.coverage import coverage
from relocate.prober.grpc import GrpcSender
from relocate.prober.http import HttpSender
from relocate.prober.records import Answer, Failure, Result, Second
from relocate.prober.route import watch_route
from steering.model import Endpoint, Port, ProbePoint, Protocol

FAST = Watch(path="/healthz", period_seconds=0.05, timeout_seconds=0.5)


def point(port: int, instance: str = "edge-1", **tls: object) -> ProbePoint:
    """A gateway instance at a port of loopback."""
    endpoint = Endpoint(host="127.0.0.1", port=port)
    return ProbePoint.model_validate(
        {"instance": instance, "endpoint": endpoint, "tls": False, "server_name": "app.test", **tls}
    )


async def asked(sender: HttpSender | GrpcSender, *fresh: bool) -> list[Answer]:
    """What a sender gets, one request after the other."""
    try:
        return [await sender.send(fresh=each) for each in fresh]
    finally:
        await sender.close()


async def test_an_outage_longer_than_the_period_is_always_seen(raw) -> None:
    """While one gateway refuses for 300 ms, the other is fine: the first one's failures are recorded, and no hole."""
    answer = raw.answer(x_relocate_side="mec-a", x_relocate_epoch="e1")
    seconds, failures, stop = list[Second](), list[Failure](), asyncio.Event()

    async def sink(complete: Sequence[Second], failed: Sequence[Failure]) -> None:
        seconds.extend(complete)
        failures.extend(failed)

    async with raw.serving(answer) as broken, raw.serving(answer) as whole:
        vantages = [point(broken.port, "edge-1"), point(whole.port, "edge-2")]
        since = time.time()
        watching = asyncio.create_task(watch_route(FAST, Port(name="http"), vantages, sink, stop=stop, sides=["mec-a"]))
        await asyncio.sleep(1)
        await broken.stop()
        await asyncio.sleep(0.3)
        await broken.start()
        await asyncio.sleep(2)  # so that at least one whole second lies inside what is judged below
        stop.set()
        await watching
    assert {failure.vantage for failure in failures} == {"edge-1"}
    assert any("connection refused" in failure.words for failure in failures)
    by_vantage = {name: summed(each for each in seconds if each.vantage == name) for name in ("edge-1", "edge-2")}
    assert by_vantage["edge-1"].failed >= 4
    assert by_vantage["edge-1"].longest_gap_ms >= 290
    assert by_vantage["edge-2"].errors == 0
    assert set(by_vantage["edge-2"].epochs) == {"e1"}
    assert coverage(
        seconds, vantages=["edge-1", "edge-2"], period=0.05, since=since + 0.2, until=time.time() - 0.2
    ).conclusive


async def test_kept_connections_are_kept_and_fresh_ones_are_not(raw) -> None:
    """Each answer says truly which kind of connection it came by."""
    async with raw.serving(raw.answer(x_relocate_side="mec-a")) as server:
        answers = await asked(HttpSender(FAST, point(server.port), None), False, True, False, True, False)
        assert [answer.fresh for answer in answers] == [True, True, False, True, False]
        assert server.connections == 3
        assert server.heads[0].startswith(b"GET /healthz HTTP/1.1\r\nhost: app.test\r\n")


async def test_http_answers_are_recorded_as_they_came(raw) -> None:
    """Status, side and epoch of any answer; the words of any failure; never an error raised."""

    async def silent(_: bytes) -> bytes:
        return b""

    for reply, expected in (
        (
            raw.answer(200, x_relocate_side="mec-b", x_relocate_epoch="e2"),
            Answer(Result.RIGHT, "200", "mec-b", "e2", fresh=True),
        ),
        (raw.answer(200), Answer(Result.WRONG, "200", fresh=True)),
        (raw.answer(503, x_relocate_side="mec-b"), Answer(Result.FAILED, "503", "mec-b", fresh=True)),
        (silent, Answer(Result.FAILED, "no answer within 0.5 s", fresh=True)),
        (
            None,
            Answer(Result.FAILED, "NoAnswer: the connection was closed without an answer", fresh=True),
        ),
    ):
        async with raw.serving(reply) as server:
            assert await asked(HttpSender(FAST, point(server.port), None), True) == [expected]
    assert await asked(HttpSender(FAST, point(server.port), None), True) == [
        Answer(Result.FAILED, "ConnectionRefusedError: connection refused", reached=False)
    ]


async def test_http_over_tls_is_as_a_user_would_see_it(raw, certificate) -> None:
    """The gateway's certificate must be right for the route's name; a silent handshake is cut."""
    async with raw.serving(raw.answer(x_relocate_side="mec-a"), certificate.server_context()) as server:
        good = point(server.port, tls=True, ca_file=str(certificate.file))
        assert [each.result for each in await asked(HttpSender(FAST, good, None), True, False)] == [Result.RIGHT] * 2
        other = good.model_copy(update={"server_name": "other.test"})
        (refused,) = await asked(HttpSender(FAST, other, None), True)
        assert "certificate not accepted" in refused.status
    async with raw.serving(raw.answer()) as mute:
        (late,) = await asked(HttpSender(FAST, point(mute.port, tls=True), None), True)
        assert late.status == "no answer within 0.5 s"


class Named(grpc.aio.ServerInterceptor):
    """Adds the gateway's headers."""

    async def intercept_service(self, continuation, details):
        """Wrap the handler."""
        handler = await continuation(details)

        async def answer(request, context):
            await context.send_initial_metadata((("x-relocate-side", "mec-a"), ("x-relocate-epoch", "e1")))
            return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)


async def test_grpc_ports_are_watched_by_the_health_service(certificate) -> None:
    """SERVING from a named side is right; anything else is told apart; over TLS, fresh and kept."""
    running = grpc.aio.server(interceptors=[Named()])
    servicer = health.aio.HealthServicer()
    await servicer.set("demo.Echo", health_pb2.HealthCheckResponse.SERVING)
    await servicer.set("demo.Down", health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, running)
    port = running.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(certificate.key_pem, certificate.pem)]))
    await running.start()
    there = point(port, tls=True, ca_file=str(certificate.file))
    right = await asked(GrpcSender(FAST.model_copy(update={"path": "/demo.Echo"}), there, {"mec-a"}), True, False)
    assert right == [Answer(Result.RIGHT, "SERVING", "mec-a", "e1", fresh) for fresh in (True, False)]
    (down,) = await asked(GrpcSender(FAST.model_copy(update={"path": "/demo.Down"}), there, None), False)
    assert (down.result, down.status) == (Result.FAILED, "NOT_SERVING")
    (unknown,) = await asked(GrpcSender(FAST.model_copy(update={"path": "/demo.Nope"}), there, None), False)
    assert (unknown.result, unknown.side) == (Result.WRONG, "mec-a")
    await running.stop(None)
    gone = await asked(GrpcSender(FAST, there, None), True, False)
    assert [(each.result, each.status.split(":")[0]) for each in gone] == [(Result.FAILED, "UNAVAILABLE")] * 2


async def test_grpc_comes_back_at_once_after_an_outage() -> None:
    """A kept channel does not add a second of its own making to a short outage."""
    running = grpc.aio.server()
    port = running.add_insecure_port("127.0.0.1:0")
    await running.start()
    sender = GrpcSender(FAST.model_copy(update={"path": "/"}), point(port), None)
    await running.stop(None)
    assert (await sender.send(fresh=False)).status.startswith("UNAVAILABLE")
    again = grpc.aio.server(interceptors=[Named()])
    servicer = health.aio.HealthServicer()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, again)
    again.add_insecure_port(f"127.0.0.1:{port}")
    await again.start()
    started = time.monotonic()
    while (await sender.send(fresh=False)).result is not Result.RIGHT:
        await asyncio.sleep(0.02)
        assert time.monotonic() - started < 0.6
    await sender.close()
    await again.stop(None)


async def test_a_grpc_route_is_watched_as_a_whole(nobody) -> None:
    """The port's protocol decides how it is asked; a route that refuses is all failures, and no hole."""
    seconds, stop = list[Second](), asyncio.Event()

    async def sink(complete: Sequence[Second], _: Sequence[Failure]) -> None:
        seconds.extend(complete)

    asyncio.get_running_loop().call_later(0.5, stop.set)
    await watch_route(FAST, Port(name="grpc", protocol=Protocol.GRPC), [point(nobody.port)], sink, stop=stop)
    total = summed(seconds)
    assert total.sent == total.failed >= 8
    assert total.unfinished == 0


@pytest.mark.parametrize("sender", [HttpSender, GrpcSender])
async def test_a_connection_that_is_refused_came_to_no_side(sender: type[HttpSender | GrpcSender]) -> None:
    """Nobody listens at the gateway instance: its requests are told apart from those that it took."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answers = await asked(sender(FAST, point(taken.getsockname()[1]), None), True, False)
    assert [(one.result, one.reached) for one in answers] == [(Result.FAILED, False)] * 2


async def test_a_request_that_was_taken_and_not_answered_may_have_come_to_a_side(raw) -> None:
    """The gateway instance lives, and the side behind it hangs or died."""
    async with raw.serving(None) as broken_off:
        answers = await asked(HttpSender(FAST, point(broken_off.port), None), True, False)
    assert [(one.result, one.reached) for one in answers] == [(Result.FAILED, True)] * 2
