# SPDX-License-Identifier: Apache-2.0
"""Settings of a gateway that is steered through the Gateway API."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from steering.kubernetes.connection import Connection
from steering.model import Endpoint, Name

Dns = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
"""Name of an object (RFC 1123 subdomain)."""


class Settings(BaseModel):
    """Immutable; an unknown field is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Parent(Settings):
    """The Gateway that the routes are attached to."""

    name: Dns
    namespace: Name | None = None
    """None: the routes' own."""
    listener: Dns | None = None
    """One listener of it; None: every listener that takes the route."""


class Replica(Settings):
    """One replica of the gateway's data plane, declared."""

    id: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    address: Endpoint
    """Where its listener is reached: this replica's own address, never one that a load balancer shares out."""
    admin: Endpoint | None = None
    """Where its counters are read (Traefik: its metrics; Contour: Envoy's admin interface); None: usage is unknown."""


class Service(Settings):
    """The Service in front of the gateway's replicas; its EndpointSlices say which there are."""

    name: Name
    namespace: Name | None = None
    """None: the Gateway's own."""
    port: Name = "https"
    """Name of the port that UEs use."""
    admin_port: int | None = Field(default=None, ge=1, le=65535)
    """Port of each pod at which its counters are read; None: usage is unknown."""


class Tls(Settings):
    """How UEs check who they speak with."""

    ca_file: str | None = None
    """Certificate authority that UEs (and our probes) trust, as PEM; None for the system's."""


class GatewayApiSettings(Settings):
    """One gateway: a Gateway object, and the replicas that serve it."""

    connection: Connection
    """Of the cluster that holds the Gateway."""
    namespace: Name
    """Where our HTTPRoutes, Services and EndpointSlices are. Two gateways that carry one route need two namespaces."""
    gateway: Parent
    instances: tuple[Replica, ...] = Field(default=(), max_length=256)
    """The replicas that must have applied a document."""
    replicas: Service | None = None
    """Instead of `instances`: find them."""
    tls: Tls | None = Tls()
    """None: UEs use plain HTTP."""
    implementation: Literal["traefik", "contour", "none"] = "none"
    """Whose counters are read for usage."""
    kind: Literal["HTTPRoute", "GRPCRoute"] = "HTTPRoute"
    """What a route is written as. An HTTPRoute carries gRPC too, and is proven live whatever the application does; a
    GRPCRoute is proven live only by answers of the application."""
    side: Literal["backend", "rule"] = "backend"
    """Where answers are told their side. `rule` for implementations without filters of a backendRef: then a side is named
    only while one backend has all the weight."""

    @model_validator(mode="after")
    def _has_replicas(self) -> Self:
        if bool(self.instances) == (self.replicas is not None):
            raise ValueError("instances: declare each replica here, or set replicas to the gateway's Service")
        ids = [replica.id for replica in self.instances]
        if len(set(ids)) != len(ids):
            raise ValueError("instances: each id may stand once")
        return self
