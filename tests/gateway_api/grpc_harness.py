# SPDX-License-Identifier: Apache-2.0
"""The conformance harness of a site whose routes are GRPCRoutes."""

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from steering.adapters.gateway_api import GatewayApiAdapter
from steering.conformance import Reply
from steering.model import EPOCH_HEADER, PROBE_HEADER, SIDE_HEADER, Backend, RouteDocument
from tests.gateway_api.asking import GRPC, channel
from tests.gateway_api.harness import GatewayApiHarness

_ANSWERED = {grpc.StatusCode.OK: "a", grpc.StatusCode.NOT_FOUND: "b"}
"""Only side `a` has a service of that name."""


class GrpcHarness(GatewayApiHarness):
    """Users speak gRPC; no stream is offered."""

    ports = (GRPC.model_copy(update={"prefix": "/"}),)

    def adapter(self) -> GatewayApiAdapter:
        """A new one, that writes GRPCRoutes."""
        return GatewayApiAdapter.open("edge", {**self.site.settings, "kind": "GRPCRoute"}, database_url="")

    def backends(self) -> tuple[Backend, Backend]:
        """Both applications."""
        return self.site.backend("a", ports=("grpc",)), self.site.backend("b", ports=("grpc",))

    async def request(self, instance: str, document: RouteDocument, *, token: str | None = None) -> Reply:
        """A call on a fresh connection."""
        metadata = ((PROBE_HEADER, token),) if token else ()
        async with channel(self.site, document.route, instance) as opened:
            asked = health_pb2.HealthCheckRequest(service="a")
            call = health_pb2_grpc.HealthStub(opened).Check(asked, timeout=5.0, metadata=metadata)
            code = await call.code()
            told = {**dict(await call.initial_metadata() or ()), **dict(await call.trailing_metadata() or ())}
            if code not in _ANSWERED:
                return Reply(error=f"{code.name} {await call.details()}")
        side, epoch = told.get(SIDE_HEADER), told.get(EPOCH_HEADER)
        return Reply(side=side, epoch=epoch, answered_by=_ANSWERED[code])

    def stream(self, instance: str, document: RouteDocument) -> None:
        """What a stream would be asked, this backend has no answer to."""
