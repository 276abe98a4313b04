# SPDX-License-Identifier: Apache-2.0
"""The steering tables. Who writes: adapters write routes, the control plane writes the rest."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
)

METADATA = MetaData()

REPLICA_SILENCE = timedelta(seconds=5)
"""A control replica that has not been seen for longer counts as gone, and its instances as disconnected. Each says so
every second; replicas on several machines need clocks that agree to a second or two.

Until then the instances of one that was killed count as connected, which claims nothing wrong: a new version stays
pending, so whoever waits for it waits on; and what an instance said it applied it still holds, as nobody is left who
could change it. Less would make a database that is locked for some seconds look like a gateway that is deaf."""


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC, also where the database keeps no time zone (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, the base class's signature
        """To UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002, the base class's signature
        """To an aware time."""
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """What somebody said, of any length. PostgreSQL's text has no NUL; one that a peer sent stands there as U+2400."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, the base class's signature
        """To what every database takes."""
        return None if value is None else value.replace("\0", "\u2400")


ROUTES = Table(
    "steering_routes",
    METADATA,
    Column("gateway", String(63), primary_key=True),
    Column("route", String(63), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("lease", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("removed", Boolean, nullable=False, server_default=false()),
    Column("updated_at", Moment, nullable=False),
)
"""One row per route and gateway, for ever: a removed route's row keeps its version and fence."""

ROUTE_HOSTS = Table(
    "steering_route_hosts",
    METADATA,
    Column("gateway", String(63), primary_key=True),
    Column("host", String(253), primary_key=True),
    Column("route", String(63), nullable=False),
)
"""Which route a host name belongs to: one per gateway, because one listener cannot match a name twice."""

ENDPOINTS = Table(
    "steering_endpoints",
    METADATA,
    Column("instance", String(128), primary_key=True),
    Column("endpoints", JSON, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
"""Where a placed instance listens now, where that differs from its routes' documents."""

ACKNOWLEDGEMENTS = Table(
    "steering_acknowledgements",
    METADATA,
    Column("gateway", String(63), primary_key=True),
    Column("instance", String(128), primary_key=True),
    Column("route", String(63), primary_key=True),
    Column("applied", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("reason", Words, nullable=False),
    Column("at", Moment, nullable=False),
)
"""Per gateway instance: the last version applied, the last rejected (0: none) and why, the highest it ever reported."""

GATEWAY_INSTANCES = Table(
    "steering_gateway_instances",
    METADATA,
    Column("gateway", String(63), primary_key=True),
    Column("instance", String(128), primary_key=True),
    Column("connected", Boolean, nullable=False),
    Column("session", String(64), nullable=False),
    Column("replica", String(128), nullable=False),
    Column("last_seen", Moment, nullable=False),
)
"""Instances that have had a control connection. `session` is the newest stream: an older one's end changes nothing."""

CONTROL_REPLICAS = Table(
    "steering_control_replicas",
    METADATA,
    Column("replica", String(128), primary_key=True),
    Column("poke", String(300), nullable=False),
    Column("last_seen", Moment, nullable=False),
)
"""Control plane processes that live, and the address (host:port, UDP) at which each is woken, if it needs one."""
