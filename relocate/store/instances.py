# SPDX-License-Identifier: Apache-2.0
"""Instances on clusters that keep nothing for us: fences, and what the driver has to remember."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, and_, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from relocate.store.tables import INSTANCES
from steering.model import Fence
from steering.store.engine import writing

MOST = 1000
"""So many instances that are gone are remembered of each application on each cluster, those with the highest fences."""

Body = Mapping[str, Any]


class Key(NamedTuple):
    """Which instance."""

    cluster: str
    application: str
    instance: str


class KeptInstances:
    """What drivers keep. A fence counts like the cluster's own would (`relocate.clusters.fencing`)."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def admit(self, key: Key, fence: Fence) -> Fence:
        """Keep the fence if none was higher; the highest that was seen, this one included."""
        row = {**key._asdict(), "lease": fence.lease, "sequence": fence.sequence}
        with writing(self._engine) as connection:
            new = connection.execute(_ADMIT[connection.dialect.name], row).one_or_none()
            if new is None:
                return _seen(connection, key)
            _forget_oldest(connection, key)
            return fence

    def keep(self, key: Key, fence: Fence, body: Body | None) -> Fence:
        """Remember something of an instance under the fence that was admitted; the highest that was seen.

        Where that is another one, somebody newer has been here, and nothing was kept.
        """
        statement = update(INSTANCES).where(_is(key), _under(fence)).values(body=body)
        with writing(self._engine) as connection:
            if connection.execute(statement).rowcount:
                return fence
            return _seen(connection, key)

    def body(self, key: Key) -> Body | None:
        """What is remembered of an instance; None of one that there is not."""
        with self._engine.connect() as connection:
            found: Body | None = connection.execute(select(INSTANCES.c.body).where(_is(key))).scalar()
            return found

    def of(self, application: str) -> Mapping[Key, Body]:
        """Every instance of an application of which something is remembered."""
        statement = select(INSTANCES.c.cluster, INSTANCES.c.instance, INSTANCES.c.body).where(
            INSTANCES.c.application == application, INSTANCES.c.body.is_not(None)
        )
        with self._engine.connect() as connection:
            found = connection.execute(statement).all()
        return {Key(row.cluster, application, row.instance): row.body for row in found}


def _admitting(here: sqlite.Insert | postgresql.Insert) -> ReturningInsert[Any]:
    """One statement that lets a fence in unless a higher one was: of two at once, one finds the other's."""
    new = here.excluded
    return here.on_conflict_do_update(
        index_elements=[INSTANCES.c.cluster, INSTANCES.c.application, INSTANCES.c.instance],
        set_={"lease": new.lease, "sequence": new.sequence},
        where=tuple_(INSTANCES.c.lease, INSTANCES.c.sequence) <= tuple_(new.lease, new.sequence),
    ).returning(INSTANCES.c.instance)


_ADMIT = {"sqlite": _admitting(sqlite.insert(INSTANCES)), "postgresql": _admitting(postgresql.insert(INSTANCES))}
"""By database."""


def _is(key: Key) -> Any:
    return and_(
        INSTANCES.c.cluster == key.cluster,
        INSTANCES.c.application == key.application,
        INSTANCES.c.instance == key.instance,
    )


def _under(fence: Fence) -> Any:
    return and_(INSTANCES.c.lease == fence.lease, INSTANCES.c.sequence == fence.sequence)


def _seen(connection: Connection, key: Key) -> Fence:
    row = connection.execute(select(INSTANCES.c.lease, INSTANCES.c.sequence).where(_is(key))).one_or_none()
    return Fence(lease=row.lease, sequence=row.sequence) if row else Fence(lease=0, sequence=0)


def _forget_oldest(connection: Connection, key: Key) -> None:
    gone = and_(
        INSTANCES.c.cluster == key.cluster, INSTANCES.c.application == key.application, INSTANCES.c.body.is_(None)
    )
    latest = select(INSTANCES.c.instance).where(gone).order_by(INSTANCES.c.lease.desc(), INSTANCES.c.sequence.desc())
    connection.execute(delete(INSTANCES).where(gone, INSTANCES.c.instance.not_in(latest.limit(MOST))))
