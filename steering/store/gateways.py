# SPDX-License-Identifier: Apache-2.0
"""What gateway instances and control plane replicas say: connections, acknowledgements, heartbeats."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Table, and_, bindparam, delete, select, update

from steering.store.engine import seeing, writing
from steering.store.tables import ACKNOWLEDGEMENTS, CONTROL_REPLICAS, GATEWAY_INSTANCES, REPLICA_SILENCE, utc_now
from steering.store.upsert import upsert


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


@dataclass(frozen=True)
class Connected:
    """An instance has a new control connection: what it holds is unknown until it says so."""

    session: Session


@dataclass(frozen=True)
class Told:
    """What an instance said about routes, by route name."""

    session: Session
    stands: Mapping[str, Stand]


@dataclass(frozen=True)
class Parted:
    """A control connection ended."""

    session: Session


Word = Connected | Told | Parted
"""What one control connection has to store."""

# Statements of every write of a route are made once: making one takes longer than running it.
_STAND = tuple(field.name for field in fields(Stand))
_STANDS = select(ACKNOWLEDGEMENTS.c.instance, *(ACKNOWLEDGEMENTS.c[name] for name in _STAND)).where(
    ACKNOWLEDGEMENTS.c.gateway == bindparam("of"), ACKNOWLEDGEMENTS.c.route == bindparam("along")
)
_IS_ON = and_(GATEWAY_INSTANCES.c.connected, CONTROL_REPLICAS.c.last_seen >= bindparam("alive"))
_CONNECTED = (
    select(GATEWAY_INSTANCES.c.instance, _IS_ON)
    .select_from(
        GATEWAY_INSTANCES.outerjoin(CONTROL_REPLICAS, GATEWAY_INSTANCES.c.replica == CONTROL_REPLICAS.c.replica)
    )
    .where(GATEWAY_INSTANCES.c.gateway == bindparam("of"))
)
_SESSIONS = (
    select(GATEWAY_INSTANCES.c.gateway, GATEWAY_INSTANCES.c.instance, GATEWAY_INSTANCES.c.session)
    .where(GATEWAY_INSTANCES.c.instance.in_(bindparam("called", expanding=True)))
    .order_by(GATEWAY_INSTANCES.c.gateway, GATEWAY_INSTANCES.c.instance)
    .with_for_update()
)


@dataclass(frozen=True)
class Standing:
    """Where the instances of one gateway are, all seen at one moment."""

    connected: Mapping[str, bool]
    """By instance: whether it has a control connection to a control plane process that lives."""
    stands: Mapping[str, Stand]
    """By instance: where it stands with the route that was asked for, as far as it has said."""


class GatewayStore:
    """The instances of all gateways, as their control connections tell."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = utc_now) -> None:
        """Args: engine: see `steering.store.engine`; now: the clock."""
        self._engine = engine
        self._now = now

    def heartbeat(self, replica: str, poke: str) -> None:
        """A control plane process lives, and is woken at `poke` (see `WakeUps.listen`). Long gone ones are forgotten."""
        now = self._now()
        with writing(self._engine) as connection:
            upsert(connection, CONTROL_REPLICAS, [{"replica": replica, "poke": poke, "last_seen": now}])
            stale = CONTROL_REPLICAS.c.last_seen < now - 60 * REPLICA_SILENCE
            connection.execute(delete(CONTROL_REPLICAS).where(stale))

    def leave(self, replica: str) -> None:
        """A control plane process ends in good order."""
        with writing(self._engine) as connection:
            connection.execute(delete(CONTROL_REPLICAS).where(CONTROL_REPLICAS.c.replica == replica))

    def record(self, words: Sequence[Word]) -> Sequence[bool]:
        """Store what control connections have to say: in this order, in one transaction.

        Returns:
            For each word whether it counts. It does not if its instance has a newer control connection: nothing of it
            was stored then.
        """
        with writing(self._engine) as connection:
            # All at once, in their order: when a fleet moves to another replica, both have a word on each instance.
            _sessions(connection, [one.session for one in words])
            counts: list[bool] = []
            for kind, run in groupby(words, type):
                counts += _WRITERS[kind](connection, list(run), self._now())
        return counts

    def standing(self, gateway: str, route: str) -> Standing:
        """Where a gateway's instances are, with respect to one route."""
        with seeing(self._engine) as connection:
            connected = _connected(connection, gateway, self._now() - REPLICA_SILENCE)
            return Standing(connected, _stands(connection, gateway, route))

    def connections(self, gateway: str) -> Mapping[str, bool]:
        """By instance: whether it has a control connection to a control plane process that lives."""
        with self._engine.connect() as connection:
            return _connected(connection, gateway, self._now() - REPLICA_SILENCE)


def _connect(connection: Connection, words: Sequence[Connected], now: datetime) -> Sequence[bool]:
    rows = [
        {**_key(one.session), "connected": True, "session": one.session.id, "replica": one.session.replica}
        | {"last_seen": now}
        for one in words
    ]
    upsert(connection, GATEWAY_INSTANCES, rows)
    blank = {"applied": 0, "rejected": 0, "reason": "", "at": now}
    connection.execute(_of_each(ACKNOWLEDGEMENTS).values(**blank), [_bound(one.session) for one in words])
    return [True] * len(words)


def _tell(connection: Connection, words: Sequence[Told], now: datetime) -> Sequence[bool]:
    counts = _are_newest(connection, [one.session for one in words])
    rows = [
        {**_key(one.session), "route": route, **vars(stand), "at": stand.at or now}
        for one, is_newest in zip(words, counts, strict=True)
        for route, stand in one.stands.items()
        if is_newest
    ]
    upsert(connection, ACKNOWLEDGEMENTS, rows)
    return counts


def _part(connection: Connection, words: Sequence[Parted], now: datetime) -> Sequence[bool]:
    counts = _are_newest(connection, [one.session for one in words])
    ended = [_bound(one.session) for one, is_newest in zip(words, counts, strict=True) if is_newest]
    if ended:
        connection.execute(_of_each(GATEWAY_INSTANCES).values(connected=False, last_seen=now), ended)
    return counts


_WRITERS: Mapping[type, Callable[[Connection, Sequence[Any], datetime], Sequence[bool]]] = {
    Connected: _connect,
    Told: _tell,
    Parted: _part,
}


def _are_newest(connection: Connection, sessions: Sequence[Session]) -> list[bool]:
    """Whether each is its instance's newest."""
    newest = _sessions(connection, sessions)
    return [newest.get((one.gateway, one.instance)) == one.id for one in sessions]


def _sessions(connection: Connection, sessions: Sequence[Session]) -> Mapping[tuple[str, str], str]:
    """The newest session of each of their instances. The rows stay locked, where the database locks rows."""
    rows = connection.execute(_SESSIONS, {"called": sorted({one.instance for one in sessions})})
    return {(row.gateway, row.instance): row.session for row in rows}


def _connected(connection: Connection, gateway: str, alive: datetime) -> Mapping[str, bool]:
    rows = connection.execute(_CONNECTED, {"of": gateway, "alive": alive})
    return {name: bool(is_on) for name, is_on in rows}


def _stands(connection: Connection, gateway: str, route: str) -> Mapping[str, Stand]:
    rows = connection.execute(_STANDS, {"of": gateway, "along": route})
    return {instance: Stand(*stand) for instance, *stand in rows}


def _key(session: Session) -> dict[str, str]:
    return {"gateway": session.gateway, "instance": session.instance}


def _of_each(table: Table) -> Any:
    """An update of one instance's rows, for many instances at once: `_bound` says whose."""
    mine = (table.c.gateway == bindparam("of_gateway"), table.c.instance == bindparam("of_instance"))
    return update(table).where(*mine)


def _bound(session: Session) -> dict[str, str]:
    return {"of_gateway": session.gateway, "of_instance": session.instance}
