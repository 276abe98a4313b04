# SPDX-License-Identifier: Apache-2.0
"""Route documents with versions and fences."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, delete, func, insert, select, update

from steering.contract import check_endpoints
from steering.errors import Rejected
from steering.fencing import Current, decide
from steering.model import Endpoint, Endpoints, Fence, RouteDocument
from steering.store.engine import writing
from steering.store.tables import ACKNOWLEDGEMENTS, ENDPOINTS, ROUTE_HOSTS, ROUTES, utc_now
from steering.store.turns import take_turns
from steering.store.upsert import upsert
from steering.store.wakeups import wake_ups

_AT_ONCE = 500
"""Routes that one query names."""

# Statements of every write and every look are made once: making one takes longer than running it.
_OWN = (ROUTES.c.gateway == bindparam("at"), ROUTES.c.route == bindparam("called"))
_ROUTE = select(ROUTES).where(*_OWN)
_VERSION = select(ROUTES.c.version).where(*_OWN)
_VERSIONS = select(ROUTES.c.gateway, ROUTES.c.route, ROUTES.c.version)
_MOVED = select(ENDPOINTS)
_REPLACE = update(ROUTES).where(*_OWN)
_BEGIN = insert(ROUTES)
_HIGHEST = select(func.max(ACKNOWLEDGEMENTS.c.held)).where(
    ACKNOWLEDGEMENTS.c.gateway == bindparam("at"), ACKNOWLEDGEMENTS.c.route == bindparam("called")
)
_HOSTS = select(ROUTE_HOSTS.c.host).where(
    ROUTE_HOSTS.c.gateway == bindparam("at"), ROUTE_HOSTS.c.route == bindparam("called")
)
_TAKEN = select(ROUTE_HOSTS).where(
    ROUTE_HOSTS.c.gateway == bindparam("at"), ROUTE_HOSTS.c.host.in_(bindparam("hosts", expanding=True))
)


@dataclass(frozen=True)
class StoredRoute:
    """One route as stored."""

    route: str
    version: int
    fence: Fence
    document: RouteDocument | None
    """None: removed on purpose. A route without a row is one that this database knows nothing about."""


class RouteStore:
    """The routes of all gateways in one database. Whatever is written wakes the control planes."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = utc_now) -> None:
        """Args: engine: see `steering.store.engine`; now: the clock."""
        self._engine = engine
        self._now = now
        self._wake_ups = wake_ups(engine)

    def write(self, gateway: str, document: RouteDocument, fence: Fence, base: int | None) -> int:
        """Replace the route's document by compare-and-set, in one transaction.

        Returns:
            The version of this write, one above the last; a repeat answers the version it got the first time.

        Raises:
            Fenced: a higher fence has written, or the same one wrote something else.
            Conflict: the route is not at `base`.
            Rejected: one of its hosts belongs to another route of this gateway.
        """
        return self._replace(gateway, document.route, document, fence=fence, base=base)

    def remove(self, gateway: str, route: str, fence: Fence, base: int | None) -> int:
        """Take the route away, under the same rules as `write`; its versions go on from there if it comes back."""
        return self._replace(gateway, route, None, fence=fence, base=base)

    def read(self, gateway: str, route: str) -> StoredRoute | None:
        """The route as last written, also when it was removed; None if there never was one."""
        with self._engine.connect() as connection:
            row = connection.execute(_ROUTE, _key(gateway, route)).one_or_none()
        return None if row is None else _stored(row)

    def version(self, gateway: str, route: str) -> int | None:
        """The version of the last write or removal; None if there never was one."""
        with self._engine.connect() as connection:
            return connection.execute(_VERSION, _key(gateway, route)).scalar_one_or_none()

    def some(self, gateway: str, routes: Sequence[str]) -> Mapping[str, StoredRoute]:
        """Those of these routes that this gateway has or had, by name."""
        found: dict[str, StoredRoute] = {}
        with self._engine.connect() as connection:
            for first in range(0, len(routes), _AT_ONCE):
                asked = ROUTES.c.route.in_(routes[first : first + _AT_ONCE])
                rows = connection.execute(select(ROUTES).where(ROUTES.c.gateway == gateway, asked))
                found |= {row.route: _stored(row) for row in rows}
        return found

    def owners(self, gateway: str, hosts: Collection[str]) -> Mapping[str, str]:
        """By host name in lower case, for those of `hosts` that belong to a route of this gateway: which route."""
        with self._engine.connect() as connection:
            rows = connection.execute(_TAKEN, {"at": gateway, "hosts": _lower(hosts)}).all()
        return {row.host: row.route for row in rows}

    def versions(self) -> Mapping[tuple[str, str], int]:
        """Every route's version by (gateway, route): what a poll compares, without parsing any document."""
        with self._engine.connect() as connection:
            rows = connection.execute(_VERSIONS).all()
        return {(gateway, route): version for gateway, route, version in rows}

    def move_endpoints(self, instance: str, endpoints: Endpoints) -> None:
        """Say where a placed instance listens now, by port name, without a new version of any route.

        Raises:
            ValueError: a port has no endpoint left; a gateway is never told to forget a backend this way.
        """
        check_endpoints(endpoints)
        listed = {port: [one.model_dump() for one in found] for port, found in endpoints.items()}
        with self._waking() as connection:
            upsert(connection, ENDPOINTS, [{"instance": instance, "endpoints": listed, "updated_at": self._now()}])

    def moved_endpoints(self) -> Mapping[str, Endpoints]:
        """What `move_endpoints` last said, by instance and port."""
        with self._engine.connect() as connection:
            rows = connection.execute(_MOVED).all()
        return {
            row.instance: {
                port: tuple(Endpoint.model_validate(one) for one in found) for port, found in row.endpoints.items()
            }
            for row in rows
        }

    def _replace(
        self, gateway: str, route: str, document: RouteDocument | None, *, fence: Fence, base: int | None
    ) -> int:
        with self._waking() as connection:
            # A turn and not the row's lock: of two that make the same route the second sees what the first one made.
            take_turns(connection, [f"route {gateway}/{route}"])
            row = connection.execute(_ROUTE, _key(gateway, route)).one_or_none()
            current = None if row is None else _current(row)
            floor = _floor(connection, gateway, route)
            version = decide(current, document, fence, base, floor=floor)
            if version is None:
                return int(row.version) if row is not None else 0
            values = self._values(document, fence, version)
            _put(connection, gateway, route, values, new=current is None)
            _claim_hosts(connection, gateway, route, document)
            return version

    @contextmanager
    def _waking(self) -> Iterator[Connection]:
        """A transaction that writes something that control planes read."""
        with writing(self._engine) as connection:
            yield connection
            self._wake_ups.within(connection)
        self._wake_ups.after()

    def _values(self, document: RouteDocument | None, fence: Fence, version: int) -> dict[str, Any]:
        values: dict[str, Any] = {
            "version": version,
            "lease": fence.lease,
            "sequence": fence.sequence,
            "removed": document is None,
            "updated_at": self._now(),
        }
        return values if document is None else values | {"document": document.model_dump(mode="json")}


def _put(connection: Connection, gateway: str, route: str, values: dict[str, Any], *, new: bool) -> None:
    if new:
        connection.execute(_BEGIN, {"gateway": gateway, "route": route, "document": {}, **values})
    else:
        connection.execute(_REPLACE, {**_key(gateway, route), **values})


def _key(gateway: str, route: str) -> dict[str, str]:
    return {"at": gateway, "called": route}


def _lower(hosts: Collection[str]) -> list[str]:
    """Host names as they are compared."""
    return sorted({host.lower() for host in hosts})


def _fence(row: Row[Any]) -> Fence:
    return Fence(lease=row.lease, sequence=row.sequence)


def _document(row: Row[Any]) -> RouteDocument | None:
    return None if row.removed else RouteDocument.model_validate(row.document)


def _stored(row: Row[Any]) -> StoredRoute:
    return StoredRoute(route=row.route, version=row.version, fence=_fence(row), document=_document(row))


def _current(row: Row[Any]) -> Current:
    return Current(version=row.version, fence=_fence(row), document=_document(row))


def _floor(connection: Connection, gateway: str, route: str) -> int:
    """The highest version any instance ever reported: after a lost database, numbers go on above it."""
    highest = connection.execute(_HIGHEST, _key(gateway, route)).scalar()
    return int(highest or 0)


def _claim_hosts(connection: Connection, gateway: str, route: str, document: RouteDocument | None) -> None:
    hosts = _lower(document.hosts) if document is not None else []
    if sorted(connection.execute(_HOSTS, _key(gateway, route)).scalars()) == hosts:
        return
    take_turns(connection, [f"hosts of {gateway}"])
    connection.execute(delete(ROUTE_HOSTS).where(ROUTE_HOSTS.c.gateway == gateway, ROUTE_HOSTS.c.route == route))
    taken = connection.execute(_TAKEN, {"at": gateway, "hosts": hosts}).first()
    if taken is not None:
        raise Rejected(f"hosts: {taken.host} belongs to route {taken.route} of this gateway")
    for host in hosts:
        connection.execute(insert(ROUTE_HOSTS).values(gateway=gateway, host=host, route=route))
