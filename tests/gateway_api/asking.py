# SPDX-License-Identifier: Apache-2.0
"""What the tests of one gateway ask, and wait for."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from steering.adapters.gateway_api import GatewayApiAdapter
from steering.gateway_api.names import ENDPOINT_SLICE, SERVICE
from steering.kubernetes.api import Api
from steering.model import Acknowledgement, InstanceAcknowledgement, Port, Protocol, RouteDocument
from tests.envoy.rig import DOMAIN, HTTP, of
from tests.gateway_api.site import Site

GRPC = Port(name="grpc", protocol=Protocol.GRPC, prefix="/grpc.health.v1.Health/", health="")
SETTLE_SECONDS = 30.0


def document(site: Site, route: str, epoch: str, weights: Mapping[str, int], **changes: Any) -> RouteDocument:
    """A document with an HTTP port."""
    ports = tuple(port.name for port in changes.get("ports", (HTTP,)))
    values: dict[str, Any] = {
        "route": route,
        "application": route,
        "hosts": (f"{route}.{DOMAIN}",),
        "ports": (HTTP,),
        "backends": tuple(site.backend(name, ports=ports) for name in weights),
        "weights": weights,
        "epoch": epoch,
    }
    return RouteDocument(**values | changes)


async def acknowledged(
    adapter: GatewayApiAdapter,
    route: str,
    version: str,
    until: Callable[[Sequence[InstanceAcknowledgement]], bool] | None = None,
) -> Sequence[InstanceAcknowledgement]:
    """Wait until every replica has applied a version, or until something else is said."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        answers = await adapter.acknowledged(route, version)
        done = until(answers) if until else {one.state for one in answers} == {Acknowledgement.APPLIED}
        if done:
            return answers
        assert time.monotonic() < deadline, answers
        await asyncio.sleep(0.05)


async def get(site: Site, route: str, replica: str = "edge-1", *, path: str = "/", **headers: str) -> httpx.Response:
    """One request, as a UE sends it."""
    sent = of(route)
    async with httpx.AsyncClient(verify=site.trust, timeout=5.0, trust_env=False, headers=headers) as client:
        return await client.get(f"https://{site.addresses[replica]}:{site.port}{path}", **sent)


def channel(site: Site, route: str, replica: str) -> grpc.aio.Channel:
    """A connection of its own to a replica, as a UE opens it."""
    credentials = grpc.ssl_channel_credentials(site.ca_file.read_bytes())
    options = [
        ("grpc.ssl_target_name_override", f"{route}.{DOMAIN}"),
        ("grpc.default_authority", f"{route}.{DOMAIN}"),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    return grpc.aio.secure_channel(f"{site.addresses[replica]}:{site.port}", credentials, options=options)


async def watched(site: Site, route: str, *, seconds: float) -> bool:
    """Open a gRPC stream; whether it is still open after this time."""
    async with channel(site, route, "edge-1") as opened:
        call = health_pb2_grpc.HealthStub(opened).Watch(health_pb2.HealthCheckRequest(service=""))
        await call.read()
        ended, _ = await asyncio.wait([asyncio.ensure_future(call.read())], timeout=seconds)
        call.cancel()
        return not ended


async def ask_grpc(site: Site, route: str, replica: str, side: str) -> tuple[str, str]:
    """Ask for the health of the service that only `side` has; the epoch and the side of the answer."""
    async with channel(site, route, replica) as opened:
        call = health_pb2_grpc.HealthStub(opened).Check(health_pb2.HealthCheckRequest(service=side), timeout=5.0)
        assert (await call).status == health_pb2.HealthCheckResponse.SERVING
        headers = dict(await call.initial_metadata())
        return str(headers["x-relocate-epoch"]), str(headers["x-relocate-side"])


async def instances(other: Api, site: Site, route: str) -> set[str]:
    """Instances that have a Service in the route."""
    found = await other.list(SERVICE, site.name, labels=f"steering.edge/route={route}")
    return {one["metadata"]["annotations"]["steering.edge/instance"] for one in found.items}


async def addresses(other: Api, site: Site, route: str) -> set[tuple[str, int]]:
    """Where the route's instances listen, as the cluster has it."""
    found = await other.list(ENDPOINT_SLICE, site.name, labels=f"steering.edge/route={route}")
    return {(endpoint["addresses"][0], one["ports"][0]["port"]) for one in found.items for endpoint in one["endpoints"]}
