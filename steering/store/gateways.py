# SPDX-License-Identifier: Apache-2.0
"""What gateway instances and control plane replicas say: connections, acknowledgements, heartbeats."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, insert, select, update

from steering.store.engine import writing
from steering.store.routes import utc_now
from steering.store.tables import ACKNOWLEDGEMENTS, CONTROL_REPLICAS, GATEWAY_INSTANCES

REPLICA_SILENCE = timedelta(seconds=5)
"""A control replica that has not been seen for longer counts as gone, and its instances as disconnected. Each says so
every second; replicas on several machines need clocks that agree to a second or two."""


@dataclass(frozen=True)
class Stand:
    """Where one instance stands with one route."""

    applied: int = 0
    """Last version it said it applied; 0 is none."""
    rejected: int = 0
    """Last version it refused; 0 is none."""
    held: int = 0
    """Highest version it ever reported, also one that this database never wrote."""
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Session:
    """One control connection of one gateway instance."""

    gateway: str
    instance: str
    id: str
    """Unique for each connection."""
    replica: str
    """Id of the control plane process at the other end."""


class GatewayStore:
    """The instances of all gateways, as their control connections tell."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = utc_now) -> None:
        """Args: engine: see `steering.store.engine`; now: the clock."""
        self._engine = engine
        self._now = now

    def heartbeat(self, replica: str, poke: str) -> None:
        """A control plane process lives, and is woken at `poke` (host:port, UDP). Long gone ones are forgotten."""
        now = self._now()
        with writing(self._engine) as connection:
            _upsert(connection, CONTROL_REPLICAS, {"replica": replica}, {"poke": poke, "last_seen": now})
            stale = CONTROL_REPLICAS.c.last_seen < now - 60 * REPLICA_SILENCE
            connection.execute(delete(CONTROL_REPLICAS).where(stale))

    def leave(self, replica: str) -> None:
        """A control plane process ends in good order."""
        with writing(self._engine) as connection:
            connection.execute(delete(CONTROL_REPLICAS).where(CONTROL_REPLICAS.c.replica == replica))

    def pokes(self) -> Sequence[str]:
        """Addresses of the control plane processes that live."""
        alive = CONTROL_REPLICAS.c.last_seen >= self._now() - REPLICA_SILENCE
        with self._engine.connect() as connection:
            return list(connection.execute(select(CONTROL_REPLICAS.c.poke).where(alive)).scalars())

    def connect(self, session: Session) -> None:
        """An instance has a new control connection: what it holds is unknown until it says so."""
        with writing(self._engine) as connection:
            values = {"connected": True, "session": session.id, "replica": session.replica, "last_seen": self._now()}
            _upsert(connection, GATEWAY_INSTANCES, _instance(session), values)
            theirs = _where(ACKNOWLEDGEMENTS, _instance(session))
            blank = {"applied": 0, "rejected": 0, "reason": "", "at": self._now()}
            connection.execute(update(ACKNOWLEDGEMENTS).where(*theirs).values(**blank))

    def disconnect(self, session: Session) -> None:
        """A control connection ended; nothing happens if the instance has a newer one."""
        mine = [*_where(GATEWAY_INSTANCES, _instance(session)), GATEWAY_INSTANCES.c.session == session.id]
        with writing(self._engine) as connection:
            values = {"connected": False, "last_seen": self._now()}
            connection.execute(update(GATEWAY_INSTANCES).where(*mine).values(**values))

    def acknowledge(self, session: Session, stands: Mapping[str, Stand]) -> bool:
        """Store what an instance said about routes, by route name.

        Returns:
            False if the instance has a newer control connection, whose word counts; nothing was stored then.
        """
        with writing(self._engine) as connection:
            newest = select(GATEWAY_INSTANCES.c.session).where(*_where(GATEWAY_INSTANCES, _instance(session)))
            if connection.execute(newest).scalar() != session.id:
                return False
            for route, stand in stands.items():
                key = {**_instance(session), "route": route}
                values: dict[str, Any] = {"applied": stand.applied, "rejected": stand.rejected, "held": stand.held}
                values |= {"reason": stand.reason, "at": stand.at or self._now()}
                _upsert(connection, ACKNOWLEDGEMENTS, key, values)
        return True

    def connections(self, gateway: str) -> Mapping[str, bool]:
        """By instance: whether it has a control connection to a control plane process that lives."""
        alive = self._now() - REPLICA_SILENCE
        joined = GATEWAY_INSTANCES.outerjoin(
            CONTROL_REPLICAS, GATEWAY_INSTANCES.c.replica == CONTROL_REPLICAS.c.replica
        )
        columns = (GATEWAY_INSTANCES.c.instance, GATEWAY_INSTANCES.c.connected, CONTROL_REPLICAS.c.last_seen)
        query = select(*columns).select_from(joined).where(GATEWAY_INSTANCES.c.gateway == gateway)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {row.instance: bool(row.connected and row.last_seen and row.last_seen >= alive) for row in rows}

    def stands(self, gateway: str, route: str) -> Mapping[str, Stand]:
        """By instance: where it stands with the route, as far as it has said."""
        query = select(ACKNOWLEDGEMENTS).where(ACKNOWLEDGEMENTS.c.gateway == gateway, ACKNOWLEDGEMENTS.c.route == route)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {
            row.instance: Stand(applied=row.applied, rejected=row.rejected, held=row.held, reason=row.reason, at=row.at)
            for row in rows
        }


def _instance(session: Session) -> dict[str, Any]:
    return {"gateway": session.gateway, "instance": session.instance}


def _where(table: Table, key: Mapping[str, Any]) -> list[Any]:
    return [table.c[name] == value for name, value in key.items()]


def _upsert(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Update, or insert: portable, and each key here has one writer at a time."""
    changed = connection.execute(update(table).where(*_where(table, key)).values(**values))
    if not changed.rowcount:
        connection.execute(insert(table).values(**key, **values))
