# SPDX-License-Identifier: Apache-2.0
"""The grpc probe against a real gRPC server."""

from collections.abc import AsyncIterator

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from readiness.model import Readiness, Target
from readiness.probes.grpc import GrpcProbe

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Named(grpc.aio.ServerInterceptor):
    """Adds what a gateway would, and notes what it was sent."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.peers: set[str] = set()

    async def intercept_service(self, continuation, details):
        """Wrap the handler."""
        self.seen.append(dict(details.invocation_metadata))
        handler = await continuation(details)
        if handler is None:
            return None

        async def answer(request, context):
            self.peers.add(context.peer())
            await context.send_initial_metadata((("x-relocate-side", "mec-b"), ("x-other", "1")))
            return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)


@pytest.fixture
async def server(certificate) -> AsyncIterator[tuple[Target, Target, Named]]:
    """Targets of one server, without and with TLS, and what it saw."""
    named = Named()
    running = grpc.aio.server(interceptors=[named])
    servicer = health.aio.HealthServicer()
    await servicer.set("demo.Echo", SERVING)
    await servicer.set("demo.Down", NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, running)
    plain = running.add_insecure_port("127.0.0.1:0")
    credentials = grpc.ssl_server_credentials([(certificate.key_pem, certificate.pem)])
    secure = running.add_secure_port("127.0.0.1:0", credentials)
    await running.start()
    yield (
        Target(host="127.0.0.1", port=plain, headers={"X-Relocate-Probe": "token"}),
        Target(host="127.0.0.1", port=secure, tls=True, server_name="app.test", ca_file=str(certificate.file)),
        named,
    )
    await running.stop(None)


@pytest.mark.parametrize(
    ("service", "readiness", "reason"),
    [
        ("demo.Echo", Readiness.READY, "says SERVING"),
        ("", Readiness.READY, "says SERVING"),
        ("demo.Down", Readiness.NOT_YET, "says NOT_SERVING"),
        ("demo.Unknown", Readiness.NOT_YET, "the health service does not know 'demo.Unknown'"),
    ],
)
async def test_serving_is_ready(server, service: str, readiness: Readiness, reason: str) -> None:
    """Only SERVING is ready; an unknown service says so; metadata goes and comes."""
    plain, _, named = server
    probe = GrpcProbe.open({"service": service, "observe_headers": ["x-relocate-side"]})
    verdict = await probe.check(plain, timeout=2)
    assert (verdict.readiness, verdict.reason) == (readiness, reason)
    assert verdict.observed["x-relocate-side"] == "mec-b"
    assert "x-other" not in verdict.observed
    assert named.seen[-1]["x-relocate-probe"] == "token"


async def test_each_check_connects_anew(server) -> None:
    """No connection is shared between checks, though they go to one address."""
    plain, _, named = server
    probe = GrpcProbe.open({})
    for _ in range(3):
        assert (await probe.check(plain, timeout=2)).ready
    assert len(named.peers) == 3


async def test_tls_is_verified_by_name_and_authority(server) -> None:
    """The right name passes, another does not."""
    _, secure, _ = server
    probe = GrpcProbe.open({})
    assert (await probe.check(secure, timeout=2)).ready
    for wrong in ({"server_name": "other.test"}, {"ca_file": None}, {"ca_file": "/nonexistent/ca.pem"}):
        verdict = await probe.check(secure.model_copy(update=wrong), timeout=2)
        assert verdict.readiness is Readiness.NOT_YET


async def test_a_server_without_a_health_service_says_so() -> None:
    """UNIMPLEMENTED has its own sentence."""
    running = grpc.aio.server()
    port = running.add_insecure_port("127.0.0.1:0")
    await running.start()
    verdict = await GrpcProbe.open({}).check(Target(host="127.0.0.1", port=port), timeout=2)
    await running.stop(None)
    assert verdict.reason == "there is no health service"


async def test_silence_and_refusal_are_verdicts(raw, nobody: Target) -> None:
    """A server that says nothing is late; nobody listening is unavailable; neither raises."""

    async def silent(_: bytes) -> bytes:
        return b""

    async with raw.serving(silent) as server:
        verdict = await GrpcProbe.open({}).check(server.target, timeout=0.3)
        assert verdict.reason == "no answer within 0.3 s"
    refused = await GrpcProbe.open({}).check(nobody, timeout=2)
    assert refused.readiness is Readiness.NOT_YET
    assert refused.reason.startswith("UNAVAILABLE")
    assert refused.observed["status"] == "UNAVAILABLE"
