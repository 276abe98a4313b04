# SPDX-License-Identifier: Apache-2.0
"""Settings of an Envoy gateway and of the control plane that serves it."""

from ipaddress import ip_address
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from steering.model import Endpoint


class Settings(BaseModel):
    """Immutable; an unknown field is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Tls(Settings):
    """Files on the gateways' machines, in PEM form."""

    cert_file: str = Field(min_length=1)
    """Certificate chain that the listener shows for every host."""
    key_file: str = Field(min_length=1)
    ca_file: str | None = None
    """Certificate authority that UEs (and our probes) trust; None for the system's."""


class Instance(Settings):
    """One Envoy."""

    id: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Its node id; over mTLS also a name in its certificate."""
    address: Endpoint
    """Where its TLS listener is reached."""
    admin: Endpoint | None = None
    """Where its admin interface is reached (see `bootstrap`: only harmless paths); without it usage is unknown."""


class Listener(Settings):
    """The TLS listener that the control plane gives to each instance."""

    bind: Endpoint | None = None
    """Address to bind on every instance; None binds each instance's own `address`."""
    access_log: str | None = None
    """File for an access log with side, epoch and Envoy's response flags; None for none."""


class HealthCheck(Settings):
    """How an Envoy asks the backends for their health."""

    interval_seconds: float = Field(default=0.5, ge=0.05, le=60)
    """Also while there is no traffic: Envoy's own default is then 60 s (reference: envoy.md, 5)."""
    timeout_seconds: float = Field(default=1.0, ge=0.05, le=60)
    unhealthy_threshold: int = Field(default=2, ge=1, le=10)
    healthy_threshold: int = Field(default=1, ge=1, le=10)


class GatewaySettings(Settings):
    """One gateway: a set of Envoys that serve the same routes."""

    instances: tuple[Instance, ...] = Field(default=(), max_length=256)
    """The instances that must acknowledge; one that merely connects is expected from then on as well."""
    tls: Tls | None = None
    listener: Listener | None = Listener()
    """None: the instances have a listener of their own, whose HTTP connection manager takes its routes over ADS under
    the route's name; we serve clusters, endpoints and routes beside what is there."""
    health: HealthCheck = HealthCheck()
    connect_timeout_seconds: float = Field(default=0.5, ge=0.05, le=10)
    upstream_idle_seconds: float = Field(default=3.0, ge=0.5, le=3600)
    """Idle connections to instances are closed after this. It must be shorter than the application's own keep-alive
    time-out (5 s is common), or a request can meet a connection that is just being closed."""
    stream_idle_seconds: float = Field(default=3600.0, ge=0, le=86400)
    """A stream on which nothing moves is ended after this; 0 is never."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        ids = [instance.id for instance in self.instances]
        if len(set(ids)) != len(ids):
            raise ValueError("instances: each id may stand once")
        if self.listener is not None and self.tls is None:
            raise ValueError("tls: needed for the listener (cert_file, key_file); or set listener to null")
        return self

    def instance(self, name: str) -> Instance | None:
        """The declared instance with that id, or None."""
        return next((instance for instance in self.instances if instance.id == name), None)


class ControlTls(Settings):
    """Mutual TLS of the control plane."""

    cert_file: str = Field(min_length=1)
    key_file: str = Field(min_length=1)
    client_ca_file: str = Field(min_length=1)
    """Every Envoy shows a certificate of this authority, in which its node id stands as common or alternative name."""


class ControlSettings(Settings):
    """The control plane's own listener and habits."""

    host: str = "127.0.0.1"
    """IP address to listen on. Off loopback `tls` is needed: whoever may write routes may take anybody's traffic."""
    port: int = Field(default=18000, ge=0, le=65535)
    """0 takes a free one."""
    tls: ControlTls | None = None
    poke_host: str = "127.0.0.1"
    """On SQLite: IP address at which this process is woken by UDP datagrams; their content is ignored."""
    poll_seconds: float = Field(default=1.0, gt=0, le=3)
    """The database is read at least this often, whether woken or not."""

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        for field in ("host", "poke_host"):
            try:
                ip_address(getattr(self, field))
            except ValueError as error:
                raise ValueError(f"{field}: must be an IP address, such as 127.0.0.1") from error
        if self.tls is None and not ip_address(self.host).is_loopback:
            raise ValueError(
                f"host: {self.host} is not loopback, so tls (cert_file, key_file, client_ca_file) is needed; "
                "without it only a loopback address such as 127.0.0.1 is allowed"
            )
        return self
