# SPDX-License-Identifier: Apache-2.0
"""What traffic there will be: who asks, through which gateway instances, in which protocols, how often."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from relocate.model.values import Model


class Protocol(StrEnum):
    """What a UE speaks."""

    HTTP1 = "http1"
    """HTTP/1.1 with kept-alive connections, and a fresh connection now and then."""
    HTTP2 = "http2"
    """One multiplexed HTTP/2 connection."""
    GRPC = "grpc"
    """Unary calls."""
    GRPC_STREAM = "grpc-stream"
    """Long-lived server streams: one message is due each period."""
    WEBSOCKET = "websocket"
    """Long-lived connections: one message is sent, and answered, each period."""


STREAMS = frozenset({Protocol.GRPC_STREAM, Protocol.WEBSOCKET})

UeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class GatewayInstance(Model):
    """One gateway instance's listener, as a UE reaches it."""

    name: str = Field(min_length=1, max_length=64)
    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    server_name: str = Field(min_length=1, max_length=253)
    """Name in the TLS handshake, in `Host` and in `:authority`."""
    ca_file: Path | None = None
    """Certificate authority that the UE trusts; None speaks without TLS (tests)."""


class Ue(Model):
    """One user's device."""

    name: UeName
    cell: str = Field(default="", max_length=128)
    """Where it is at the start; it moves by a line on standard input."""


class Flow(Model):
    """One protocol's traffic, divided evenly over all UEs and gateway instances."""

    protocol: Protocol
    rate: float = Field(gt=0, le=10_000)
    """Requests or messages due each second, in all."""
    path: str = Field(default="/whoami", pattern=r"^/", max_length=512)
    """For HTTP and WebSocket; gRPC has its methods."""
    connections: int = Field(default=2, ge=1, le=64)
    """HTTP/1.1: kept-alive connections for each UE and gateway instance."""
    fresh_every: int = Field(default=20, ge=0)
    """HTTP/1.1: every so many requests one goes over a new connection; 0 is never."""
    life_seconds: float = Field(default=6.0, gt=0, le=86400)
    """Streams: how long one lives before the UE closes it properly and opens the next, so that a drain can end."""


def default_flows() -> tuple[Flow, ...]:
    """About 160 requests a second: enough to show a loss of milliseconds, little enough for two shared cores."""
    return (
        Flow(protocol=Protocol.HTTP1, rate=50, connections=6),
        Flow(protocol=Protocol.HTTP2, rate=40),
        Flow(protocol=Protocol.GRPC, rate=30),
        Flow(protocol=Protocol.GRPC_STREAM, rate=20),
        Flow(protocol=Protocol.WEBSOCKET, rate=20, path="/ws"),
    )


class TrafficPlan(Model):
    """The traffic process's configuration file."""

    gateways: tuple[GatewayInstance, ...] = Field(min_length=1, max_length=16)
    ues: tuple[Ue, ...] = Field(default=(Ue(name="ue-1"),), min_length=1, max_length=256)
    flows: tuple[Flow, ...] = Field(default_factory=default_flows, min_length=1, max_length=16)
    records_file: Path
    """Every request, raw; replaced if it exists."""
    seconds_file: Path | None = None
    """One JSON line of sums each second."""
    seconds_url: str | None = Field(default=None, pattern=r"^http://(127\.0\.0\.1|localhost|\[::1\])[:/]")
    """Loopback address to which the same line is sent by POST; a failed delivery is counted, never repeated."""
    control: Literal["stdin", "none"] = "stdin"
    """`stdin`: lines `{"ue": NAME, "cell": CELL}`; its end stops the traffic, so that it never outlives its parent."""
    timeout_seconds: float = Field(default=2.0, gt=0, le=60)
    """A request without its answer this long after it was due has failed."""
    max_outstanding: int = Field(default=200, ge=1, le=10_000)
    """For each timetable: a request that is due when so many are open is not sent, and is missing."""
    lead_seconds: float = Field(default=0.3, ge=0, le=60)
    """From the process's start to the first request that is due."""
    grace_seconds: float = Field(default=3.0, ge=0, le=60)
    """How long open requests are waited for at the end; what is open then is missing."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for field, names in (
            ("gateways", [gateway.name for gateway in self.gateways]),
            ("ues", [ue.name for ue in self.ues]),
            ("flows", [flow.protocol for flow in self.flows]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"{field}: each name may stand once")
        return self
