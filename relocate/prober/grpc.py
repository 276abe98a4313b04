# SPDX-License-Identifier: Apache-2.0
"""Sends the safe request as `grpc.health.v1.Health/Check` through one gateway instance."""

import asyncio
import contextlib
from collections.abc import Collection, Iterable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from readiness.answers import because, shortened
from readiness.channel import open_channel
from readiness.model import Target
from relocate.model.application import Watch
from relocate.prober.judgement import of_code, of_health
from relocate.prober.records import Answer, Result
from steering.model import EPOCH_HEADER, SIDE_HEADER, ProbePoint

RECONNECT_AT_ONCE = (
    # By default a channel refuses calls for a second and more after one failed connection, and would report an
    # outage of its own making.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 100),
)


PREPARATION_SECONDS = 0.5


class GrpcSender:
    """One vantage over gRPC: no retries, no proxy."""

    def __init__(self, watch: Watch, point: ProbePoint, sides: Collection[str] | None) -> None:
        """Args: watch: the service asked; point: the gateway instance; sides: which may answer, None for any named."""
        self._timeout = watch.timeout_seconds
        self._sides = sides
        self._request = health_pb2.HealthCheckRequest(service=watch.path.removeprefix("/"))
        self._target = Target(
            host=point.endpoint.host,
            port=point.endpoint.port,
            tls=point.tls,
            server_name=point.server_name,
            ca_file=point.ca_file,
        )
        self._kept = open_channel(self._target, *RECONNECT_AT_ONCE)

    async def prepare(self) -> None:
        """Send once without telling: the first request pays for imports and connections, and is no measurement."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PREPARATION_SECONDS):
                await self.send(fresh=False)

    async def send(self, *, fresh: bool) -> Answer:
        """Ask once and judge what comes back within the time-out."""
        try:
            async with asyncio.timeout(self._timeout):
                return await (self._on_fresh() if fresh else self._ask(self._kept, fresh=False))
        except TimeoutError:
            return Answer(Result.FAILED, f"no answer within {self._timeout:g} s", fresh=fresh)
        except OSError as error:
            return Answer(Result.FAILED, because(error), fresh=fresh)

    async def _on_fresh(self) -> Answer:
        async with open_channel(self._target) as channel:
            return await self._ask(channel, fresh=True)

    async def _ask(self, channel: grpc.aio.Channel, *, fresh: bool) -> Answer:
        # The outer limit speaks first; gRPC's own stands behind it.
        call = health_pb2_grpc.HealthStub(channel).Check(self._request, timeout=self._timeout + 1)
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            # An answer without a message has one block of headers, which gRPC calls trailing.
            side, epoch = _names([*error.initial_metadata(), *error.trailing_metadata()])
            words = shortened(f"{error.code().name}: {error.details()}")
            # Only a channel that could not connect is in this state; one whose connection broke is idle, or connects.
            refused = channel.get_state() is grpc.ChannelConnectivity.TRANSIENT_FAILURE
            result = of_code(error.code().name)
            return Answer(result, words, side, epoch, fresh, reached=bool(side or epoch) or not refused)
        side, epoch = _names(await call.initial_metadata())
        status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        return Answer(of_health(status, side, self._sides), status, side, epoch, fresh)

    async def close(self) -> None:
        """Close what is kept."""
        await self._kept.close()


def _names(metadata: Iterable[tuple[str, str | bytes]]) -> tuple[str, str]:
    found = {key: str(value) for key, value in metadata}
    return shortened(found.get(SIDE_HEADER, ""), 64), shortened(found.get(EPOCH_HEADER, ""), 128)
