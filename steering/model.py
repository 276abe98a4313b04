# SPDX-License-Identifier: Apache-2.0
"""What is steered: the route document, and what gateways say about it.

All values are immutable. A document is the *whole* desired state of one route on one gateway; every change
(prepare, weights, revert, finalize) is another document, applied by compare-and-set.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

EPOCH_HEADER = "x-relocate-epoch"
"""Response header that identifies the write which produced an answer (reference: gateway-api.md, 5)."""

SIDE_HEADER = "x-relocate-side"
"""Response header, set by the gateway, that names the backend which really answered, fail-over included."""

PROBE_HEADER = "x-relocate-probe"
"""Request header that carries the probe token."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", examples=["mec-a"])]
"""A DNS label (RFC 1123): lower-case letters, digits and dashes, at most 63 characters."""

Version = str
"""An adapter's own name for one write: opaque, compared only by the adapter that made it."""


class Model(BaseModel):
    """Base of this package's values: immutable, and nothing unknown is accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Endpoint(Model):
    """Where one port of an instance listens."""

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(ge=1, le=65535)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Endpoints = Mapping[str, tuple[Endpoint, ...]]
"""Where an instance listens, by port name."""


class Protocol(StrEnum):
    """What a port speaks behind the gateway."""

    HTTP = "http"
    """HTTP/1.1 and HTTP/2, as the client spoke it; WebSocket upgrades included."""
    GRPC = "grpc"
    """HTTP/2 only."""


class Port(Model):
    """A named port of a route: what it speaks, which requests it takes, how its health is asked."""

    name: Name
    protocol: Protocol = Protocol.HTTP
    prefix: str = Field(default="/", pattern=r"^/")
    """Path prefix of the requests that belong to this port; the longest prefix wins."""
    health: str = Field(default="/", max_length=256)
    """For `http` the path that answers 200 when healthy; for `grpc` the service name of grpc.health.v1."""
    retry_safe: tuple[str, ...] = ("GET", "HEAD", "OPTIONS")
    """Methods a gateway may send twice: HTTP methods, or for `grpc` full method paths such as `/demo.Echo/Say`."""


class Backend(Model):
    """One side of a route: the instance on one cluster."""

    name: Name
    """The cluster's name; the side is known to gateways, evidence and people by it."""
    instance: str = Field(min_length=1, max_length=128)
    endpoints: dict[str, tuple[Endpoint, ...]]
    """Endpoints by port name."""


class ProbePath(Model):
    """A path through the gateway that leads to one backend, whatever the weights say."""

    backend: Name
    token: str = Field(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")
    expires_at: datetime
    """After this moment nobody may rely on the path; the gateway's control plane takes it away."""


class RouteDocument(Model):
    """The whole desired state of one route: absolute, never a change to something."""

    route: Name
    application: Name
    hosts: tuple[str, ...] = Field(min_length=1)
    """Host names (TLS server names) whose requests belong to this route."""
    ports: tuple[Port, ...] = Field(min_length=1)
    backends: tuple[Backend, ...] = Field(min_length=1, max_length=8)
    weights: dict[str, int]
    """Percent by backend name; every backend is named, and they sum to 100."""
    failover: bool = False
    """Whether a request may fall back to another backend of this document when its own is dead. Only documents whose
    backends have all passed the readiness gate may say so."""
    probe_paths: tuple[ProbePath, ...] = ()
    epoch: str = Field(min_length=1, max_length=128)
    """Identifies this very write in every answer."""
    timeout_seconds: float = Field(default=15.0, gt=0, le=3600)
    """Longest time a request (not a stream) may take."""
    try_seconds: float | None = Field(default=None, gt=0, le=3600)
    """With `failover`: how long one backend may keep a retry-safe request before another is asked; None: as long as the
    request may."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        names = [backend.name for backend in self.backends]
        if len(set(names)) != len(names):
            raise ValueError("backends: each name may stand once")
        if set(self.weights) != set(names):
            raise ValueError(f"weights: must name every backend once: {', '.join(sorted(names))}")
        if any(weight < 0 for weight in self.weights.values()) or sum(self.weights.values()) != 100:  # noqa: PLR2004
            raise ValueError("weights: must be 0 to 100 each and sum to 100")
        port_names = [port.name for port in self.ports]
        if len(set(port_names)) != len(port_names):
            raise ValueError("ports: each name may stand once")
        for backend in self.backends:
            missing = set(port_names) - {name for name, found in backend.endpoints.items() if found}
            if missing:
                raise ValueError(
                    f"backends.{backend.name}.endpoints: no endpoint for port {', '.join(sorted(missing))}"
                )
        for path in self.probe_paths:
            if path.backend not in names:
                raise ValueError(f"probe_paths: {path.backend} is not a backend of this document")
        return self

    def backend(self, name: str) -> Backend | None:
        """The backend called `name`, or None."""
        return next((backend for backend in self.backends if backend.name == name), None)


class Fence(Model):
    """A fencing token: it rises with every step and every undo of a lease, and with every lease of an application."""

    lease: int = Field(ge=0)
    sequence: int = Field(ge=0)

    def __lt__(self, other: "Fence") -> bool:
        return (self.lease, self.sequence) < (other.lease, other.sequence)

    def __le__(self, other: "Fence") -> bool:
        return (self.lease, self.sequence) <= (other.lease, other.sequence)


class Rung(StrEnum):
    """The evidence ladder of the design: how a claim about a gateway came to be known."""

    WRITTEN = "E0"
    OBSERVED = "E1"
    ACKNOWLEDGED = "E2"
    PROBED = "E3"
    WATCHED = "E4"
    DRAINED = "E5"


class Capabilities(Model):
    """What an adapter can do and prove, said before anything is asked of it."""

    rungs: frozenset[Rung]
    """Rungs that the adapter itself proves (E0, E1, E2, E5). E3 and E4 are the orchestrator's."""
    weights: Literal["none", "binary", "percent"]
    granularity: Literal["request", "connection"]
    """What a switch moves: the next request, or only the next connection."""
    bound: Literal["hard", "ttl", "unknown"]
    """Whether the time from write to effect is bounded, and by what."""
    protocols: frozenset[Protocol]
    probe_paths: bool
    failover: bool
    companion: str | None = None
    """Another kind of adapter that this one needs beside it (a NEF moves the path, DNS moves the client)."""


class Problem(Model):
    """Why a document cannot be applied, before it is tried."""

    field: str
    reason: str
    fatal: bool = True


class RouteState(Model):
    """What an adapter reads back: the document as last written, and its version."""

    document: RouteDocument
    version: Version
    fence: Fence
    drift: str | None = None
    """What somebody else changed since, in one sentence, or None."""
    kept_by: str | None = None
    """Who says that he keeps the route as it is, and so would undo what is written; None where nobody says so."""


class Acknowledgement(StrEnum):
    """Where one gateway instance stands with one version."""

    APPLIED = "applied"
    """It says that it applied this version or a later one."""
    PENDING = "pending"
    REJECTED = "rejected"
    DEAF = "deaf"
    """Its listener answers but its control connection is gone: it serves something we no longer control."""
    DEAD = "dead"
    """Its listener refuses connections and it holds no configuration: nobody can be served wrongly by it."""
    UNKNOWN = "unknown"


class InstanceAcknowledgement(Model):
    """One expected gateway instance's answer to "did you apply this version?"."""

    instance: str
    state: Acknowledgement
    reason: str = ""
    at: datetime | None = None


class InstanceUsage(Model):
    """What one gateway instance counts on one backend now. `None` is unknown, and unknown is not zero."""

    instance: str
    in_flight: int | None
    """Requests and streams that are open or waiting for a connection."""
    requests_total: int | None
    """Requests ever sent to this backend; it only rises while the gateway process lives."""
    errors_total: int | None = None
    """Answers 5xx and attempts that were not answered; it only rises while the gateway process lives. It may be higher than the
    number of requests: an upper bound, where a gateway counts one failure twice."""
    reason: str = ""
    """Why something is unknown."""


class ProbePoint(Model):
    """How to reach one gateway instance's listener as a UE would."""

    instance: str
    endpoint: Endpoint
    tls: bool
    server_name: str
    ca_file: str | None = None
    """Certificate authority that the UE trusts; None for the system's."""
