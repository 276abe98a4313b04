# SPDX-License-Identifier: Apache-2.0
"""Counts over all relocations, for metrics and for those who wait for events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, and_, func, select

from relocate.model.relocation import Status, StepState
from relocate.store.leases import PLACING
from relocate.store.tables import CATALOGUE, EVENTS, LEASES, RELOCATIONS
from steering.store.tables import ACKNOWLEDGEMENTS, GATEWAY_INSTANCES

_RUNNING = select(RELOCATIONS.c.view).where(RELOCATIONS.c.status == Status.RUNNING)
_UNSTARTED = select(RELOCATIONS.c.created_at).where(~RELOCATIONS.c.started)
_HOLDERS = select(LEASES.c.holder).where(LEASES.c.holder.is_not(None))
_GATEWAYS = select(CATALOGUE.c.name).where(CATALOGUE.c.kind == "Gateway")
_SAME = and_(
    GATEWAY_INSTANCES.c.gateway == ACKNOWLEDGEMENTS.c.gateway,
    GATEWAY_INSTANCES.c.instance == ACKNOWLEDGEMENTS.c.instance,
)
_REJECTING = (
    select(ACKNOWLEDGEMENTS.c.gateway, func.count().label("number"))
    .join(GATEWAY_INSTANCES, _SAME)
    .where(ACKNOWLEDGEMENTS.c.rejected > 0, GATEWAY_INSTANCES.c.connected)
    .group_by(ACKNOWLEDGEMENTS.c.gateway)
)


class Finished(NamedTuple):
    """One relocation that has ended."""

    id: str
    outcome: str
    seconds: float
    """From acceptance to the end."""
    at: datetime


class Running(NamedTuple):
    """The phase that one relocation is in, while nobody is waited for."""

    phase: str
    since: datetime


class Unstarted(NamedTuple):
    """What was accepted and is not on record as started."""

    number: int
    oldest: datetime | None


class Figures:
    """Read only; every method is one query."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def last_event(self, before: datetime) -> int:
        """Id of the newest event that happened before that moment, 0 when there is none."""
        with self._engine.connect() as connection:
            # Newest first: a moment that is not long ago is found after few rows, and `at` needs no index.
            newest = select(EVENTS.c.id).where(EVENTS.c.at < before).order_by(EVENTS.c.id.desc()).limit(1)
            return connection.execute(newest).scalar() or 0

    def by_status(self) -> Mapping[str, int]:
        """How many relocations there are of each status that occurs."""
        with self._engine.connect() as connection:
            statement = select(RELOCATIONS.c.status, func.count().label("number")).group_by(RELOCATIONS.c.status)
            return {row.status: row.number for row in connection.execute(statement)}

    def running(self) -> Sequence[Running]:
        """The phase of every relocation that goes on by itself."""
        with self._engine.connect() as connection:
            bodies = connection.execute(_RUNNING).scalars().all()
        steps = [step for body in bodies for step in body["steps"] if step["state"] == StepState.RUNNING]
        return [Running(step["phase"], datetime.fromisoformat(step["started_at"])) for step in steps]

    def unstarted(self) -> Unstarted:
        """How many relocations wait to be started, and since when the oldest does."""
        with self._engine.connect() as connection:
            moments = connection.execute(_UNSTARTED).scalars().all()
        return Unstarted(len(moments), min(moments, default=None))

    def leases(self) -> Mapping[str, int]:
        """Leases that are held, by what holds them: `placement` or `relocation`."""
        with self._engine.connect() as connection:
            holders = connection.execute(_HOLDERS).scalars().all()
        placing = sum(holder.startswith(PLACING) for holder in holders)
        return {"placement": placing, "relocation": len(holders) - placing}

    def rejecting(self) -> Mapping[str, int]:
        """By configured gateway: how many (connected instance, route) stand at a version that was refused."""
        with self._engine.connect() as connection:
            known = connection.execute(_GATEWAYS).scalars().all()
            found = {row.gateway: row.number for row in connection.execute(_REJECTING)}
        return {gateway: found.get(gateway, 0) for gateway in known}

    def finished_since(self, moment: datetime | None) -> Sequence[Finished]:
        """Relocations that ended at `moment` or later (None: all), in order of their ends."""
        columns = (RELOCATIONS.c.id, RELOCATIONS.c.outcome, RELOCATIONS.c.created_at, RELOCATIONS.c.finished_at)
        statement = select(*columns).where(RELOCATIONS.c.finished_at.is_not(None)).order_by(RELOCATIONS.c.finished_at)
        if moment is not None:
            statement = statement.where(RELOCATIONS.c.finished_at >= moment)
        with self._engine.connect() as connection:
            return [
                Finished(
                    row.id,
                    row.outcome or "unknown",
                    (row.finished_at - row.created_at).total_seconds(),
                    row.finished_at,
                )
                for row in connection.execute(statement)
            ]
