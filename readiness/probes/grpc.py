# SPDX-License-Identifier: Apache-2.0
"""The grpc probe: one call of `grpc.health.v1.Health/Check` on one fresh connection."""

from collections.abc import Mapping
from typing import Annotated, Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import Field

from readiness.answers import because, bounded, not_yet, ready
from readiness.channel import open_channel
from readiness.connecting import connected
from readiness.contract import Probe
from readiness.model import Target, Verdict
from readiness.settings import Settings, checked

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE.name

MetadataKey = Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,64}$")]


class GrpcSettings(Settings):
    """Whose health is asked, and what of the answer is kept. TLS, names and tokens come from the target."""

    service: str = Field(default="", max_length=256)
    """Service name as registered with the health service; empty asks for the whole server."""
    observe_headers: tuple[MetadataKey, ...] = Field(default=(), max_length=32)
    """Keys of the response's metadata to keep in the verdict."""


class GrpcProbe(Probe):
    """Ready when the server says SERVING."""

    def __init__(self, settings: GrpcSettings) -> None:
        """Args: settings: what is asked and kept."""
        self._settings = settings

    @classmethod
    def open(cls, settings: Mapping[str, object]) -> Self:
        """Make the probe; see `GrpcSettings`."""
        return cls(checked("grpc", GrpcSettings, settings))

    async def check(self, target: Target, *, timeout: float) -> Verdict:
        """Ask the health service once."""
        return await bounded(self._ask(target, timeout), timeout)

    async def _ask(self, target: Target, timeout: float) -> Verdict:
        if not target.tls:
            # A channel leaves it to the kernel to try again. Behind TLS are gateways, which would log who hangs up before it.
            try:
                (await connected(target.host, target.port)).close()
            except OSError as error:
                return not_yet(f"{UNAVAILABLE}: {because(error)}", {"status": UNAVAILABLE})
        async with open_channel(target) as channel:
            call = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=self._settings.service),
                # The outer limit speaks first: gRPC's own text for a time-out names its inner state, not the fact.
                timeout=timeout + 1,
                metadata=tuple((name.lower(), value) for name, value in target.headers.items()),
                wait_for_ready=False,
            )
            try:
                answer = await call
            except grpc.aio.AioRpcError as error:
                return not_yet(self._failure(error), self._observed(error))
            return self._judged(answer.status, {"status": "OK"} | self._kept(await call.initial_metadata()))

    def _judged(self, status: int, observed: Mapping[str, str]) -> Verdict:
        name = health_pb2.HealthCheckResponse.ServingStatus.Name(status)
        seen = {**observed, "serving": name}
        return ready("says SERVING", seen) if name == "SERVING" else not_yet(f"says {name}", seen)

    def _failure(self, error: grpc.aio.AioRpcError) -> str:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return f"the health service does not know {self._settings.service!r}"
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return "there is no health service"
        return f"{error.code().name}: {error.details()}"

    def _observed(self, error: grpc.aio.AioRpcError) -> dict[str, str]:
        # An answer without a message has one block of headers, which gRPC calls trailing.
        metadata = [*error.initial_metadata(), *error.trailing_metadata()]
        return {"status": error.code().name} | self._kept(metadata)

    def _kept(self, metadata: object) -> dict[str, str]:
        pairs = metadata if isinstance(metadata, list) else list(metadata or ())  # type: ignore[call-overload]
        return {key: str(value) for key, value in pairs if key in self._settings.observe_headers}
