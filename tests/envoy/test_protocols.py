# SPDX-License-Identifier: Apache-2.0
"""What goes through the Envoys: protocols, time-outs, headers, other host names."""

import asyncio
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from steering.model import Port, Protocol
from tests.envoy.rig import DOMAIN, HTTP, Fences, Rig, of, told
from tests.envoy.traffic import acknowledged, serving

GRPC = Port(
    name="grpc",
    protocol=Protocol.GRPC,
    prefix="/grpc.health.v1.Health/",
    health="",
    retry_safe=("/grpc.health.v1.Health/Check",),
)
SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(scope="module")
def shop() -> Iterator[Rig]:
    """A rig that carries one route with an HTTP and a gRPC port, all of it on side a."""
    rig = Rig(count=1)
    try:
        rig.start()
        asyncio.run(_place(rig))
        yield rig
    finally:
        rig.stop()


async def _place(rig: Rig) -> None:
    adapter = rig.adapter()
    backends = tuple(rig.backend(name, ports=("http", "grpc")) for name in ("a", "b"))
    document = rig.document(
        "shop", "e1", {"a": 100, "b": 0}, ports=(HTTP, GRPC), backends=backends, timeout_seconds=1.0, failover=True
    )
    version = await adapter.apply(document, fence=Fences()(), base=None)
    await acknowledged(adapter, "shop", version)
    await serving(rig, "shop", "edge-1", epoch="e1")
    await adapter.close()


def _channel(rig: Rig) -> grpc.aio.Channel:
    credentials = grpc.ssl_channel_credentials(rig.authority.file.read_bytes())
    options = [("grpc.ssl_target_name_override", f"shop.{DOMAIN}"), ("grpc.default_authority", f"shop.{DOMAIN}")]
    return grpc.aio.secure_channel(f"127.0.0.1:{rig.port('edge-1')}", credentials, options)


async def test_http_is_spoken_as_the_client_speaks_it(shop: Rig) -> None:
    """HTTP/2 stays HTTP/2 behind the gateway and HTTP/1.1 stays HTTP/1.1."""
    for http2, version in ((True, "2"), (False, "1.1")):
        async with shop.client(http2=http2) as client:
            response = await client.get(shop.url("edge-1"), **of("shop"))
        assert told(response) == (200, "a", "e1")
        assert response.json()["version"] == version


async def test_grpc_call_and_stream(shop: Rig) -> None:
    """Unary calls are answered by the side that the gateway names; a stream outlives the request time-out."""
    async with _channel(shop) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        call = stub.Check(health_pb2.HealthCheckRequest(service="a"))
        assert (await call).status == SERVING
        assert dict(await call.initial_metadata())["x-relocate-side"] == "a"
        stream = stub.Watch(health_pb2.HealthCheckRequest(service="a"))
        assert (await stream.read()).status == SERVING
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(stream.read())), 2.0)
        assert not stream.done()
        stream.cancel()


async def test_request_time_out(shop: Rig) -> None:
    """A request that takes longer than the document allows is ended by the gateway."""
    async with shop.client() as client:
        assert (await client.get(shop.url("edge-1", "/slow?seconds=0.5"), **of("shop"))).status_code == 200
        assert (await client.get(shop.url("edge-1", "/slow?seconds=3"), **of("shop"))).status_code == 504


async def test_event_stream_has_no_time_out(shop: Rig) -> None:
    """Who asks for server-sent events may wait for them."""
    asked = of("shop")
    asked["headers"] |= {"accept": "text/event-stream"}
    async with shop.client() as client:
        assert (await client.get(shop.url("edge-1", "/slow?seconds=2"), **asked)).status_code == 200


async def test_other_host_on_this_connection_is_misdirected(shop: Rig) -> None:
    """A connection made for one host name does not lead another name's requests to the wrong application."""
    asked = of("shop")
    asked["headers"]["host"] = f"game.{DOMAIN}"
    async with shop.client() as client:
        assert (await client.get(shop.url("edge-1"), **asked)).status_code == 421


async def test_admin_interface_answers_only_what_is_harmless(shop: Rig) -> None:
    """Nobody can stop an Envoy, or read its configuration, through the admin port."""
    admin = f"http://127.0.0.1:{shop.port('edge-1.admin')}"
    async with shop.client() as client:
        assert (await client.get(f"{admin}/ready")).status_code == 200
        for path in ("/quitquitquit", "/reset_counters", "/drain_listeners"):
            assert (await client.post(f"{admin}{path}")).status_code == 403
        assert (await client.get(f"{admin}/config_dump")).status_code == 403
