# SPDX-License-Identifier: Apache-2.0
"""Relocations that were accepted: their progress, their events, and how they end."""

from collections.abc import Callable, Collection, Sequence, Set as AbstractSet
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, and_, bindparam, insert, or_, select, update

from relocate.errors import NotFound, NotRunning
from relocate.model.evidence import Claim
from relocate.model.relocation import Outcome, Status, View
from relocate.model.told import Told
from relocate.store import evidence
from relocate.store.tables import EVENTS, RELOCATIONS
from relocate.store.turn import give_lease_back, hold_still
from steering.store.engine import writing

# Statements of every request and every step are made once: making one takes longer than running it.
_VIEW = select(RELOCATIONS.c.view).where(RELOCATIONS.c.id == bindparam("relocation"))
_REPLACE = update(RELOCATIONS).where(RELOCATIONS.c.id == bindparam("relocation"))
_TELL = insert(EVENTS)
_PROJECT = select(RELOCATIONS.c.project).where(RELOCATIONS.c.id == bindparam("relocation"))
_EVENTS = select(EVENTS, RELOCATIONS.c.project).outerjoin(RELOCATIONS, RELOCATIONS.c.id == EVENTS.c.relocation)


class Event(NamedTuple):
    """One thing that happened; `id` rises over all relocations."""

    id: int
    relocation: str
    at: datetime
    kind: str
    data: dict[str, Any]
    project: str | None = None
    """Whose relocation it is; None: there is no such relocation any more."""


class Relocations:
    """Every relocation there ever was."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def begun(self) -> AbstractSet[str]:
        """Ids of those that Temporal was given and that have not ended."""
        statement = select(RELOCATIONS.c.id).where(RELOCATIONS.c.started, RELOCATIONS.c.finished_at.is_(None))
        with self._engine.connect() as connection:
            return set(connection.execute(statement).scalars())

    def get(self, identity: str) -> View:
        """The relocation.

        Raises:
            NotFound: there is none of that id.
        """
        with self._engine.connect() as connection:
            return view_of(connection, identity)

    def project(self, identity: str) -> str:
        """Whose application the relocation is about.

        Raises:
            NotFound: there is none of that id.
        """
        with self._engine.connect() as connection:
            project: str | None = connection.execute(_PROJECT, {"relocation": identity}).scalar()
        if project is None:
            raise unknown(identity)
        return project

    def unfinished(self, identity: str) -> View:
        """The relocation, while something can still be said to it.

        Raises:
            NotFound: there is none of that id.
            NotRunning: it has ended.
        """
        return _unfinished(self.get(identity))

    def end_lost(self, identity: str, sentence: str, claim: Claim) -> View:
        """End a relocation that Temporal does not run any more, as cancelled; its lease is free again.

        Args:
            identity: the relocation.
            sentence: why it ends.
            claim: for its record.

        Raises:
            NotFound: there is none of that id.
            NotRunning: it has ended, or is still to be started.
        """
        return self._end(identity, sentence, claim, begun=True)

    def end_unbegun(self, identity: str, sentence: str, claim: Claim) -> View:
        """End a relocation that nobody is going to start, as cancelled; its lease is free again.

        Args:
            identity: the relocation.
            sentence: why it ends.
            claim: for its record.

        Raises:
            NotFound: there is none of that id.
            NotRunning: it has ended, or has begun after all.
        """
        return self._end(identity, sentence, claim, begun=False)

    def _end(self, identity: str, sentence: str, claim: Claim, *, begun: bool) -> View:
        """End it as cancelled, if it has begun, or if it has not."""
        with writing(self._engine) as connection:
            hold_still(connection, identity)
            view = _unfinished(view_of(connection, identity))
            of_it = RELOCATIONS.c.id == identity
            if connection.execute(select(RELOCATIONS.c.started).where(of_it)).scalar_one() is not begun:
                raise NotRunning(f"{identity} has {'not begun; it is started within seconds' if begun else 'begun'}")
            ended = view.ended(Outcome.CANCELLED, sentence, datetime.now(UTC))
            keep_told(connection, [Told(view=ended, claims=(claim,))])
            return ended

    def list(
        self,
        *,
        application: str | None = None,
        status: Status | None = None,
        outcome: str | None = None,
        projects: Collection[str] | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[View]:
        """Relocations, newest first, of these projects (None: of all); `before` is the id of the last one of the page before."""
        statement = select(RELOCATIONS.c.view).order_by(RELOCATIONS.c.created_at.desc(), RELOCATIONS.c.id.desc())
        for column, value in (
            (RELOCATIONS.c.application, application),
            (RELOCATIONS.c.status, status),
            (RELOCATIONS.c.outcome, outcome),
        ):
            if value is not None:
                statement = statement.where(column == value)
        if projects is not None:
            statement = statement.where(RELOCATIONS.c.project.in_(projects))
        with self._engine.connect() as connection:
            if before is not None:
                last = view_of(connection, before)
                older = RELOCATIONS.c.created_at < last.created_at
                tied = and_(RELOCATIONS.c.created_at == last.created_at, RELOCATIONS.c.id < last.id)
                statement = statement.where(or_(older, tied))
            return [View.model_validate(body) for body in connection.execute(statement.limit(limit)).scalars()]

    def failed_targets(self, application: str, limit: int = 100) -> dict[str, datetime]:
        """When a relocation of the application to a cluster last went back, by cluster; among its newest `limit`."""
        mine = select(RELOCATIONS.c.id).where(RELOCATIONS.c.application == application)
        newest = mine.order_by(RELOCATIONS.c.created_at.desc()).limit(limit)
        went_back = and_(RELOCATIONS.c.id.in_(newest), RELOCATIONS.c.outcome == Outcome.ROLLED_BACK)
        with self._engine.connect() as connection:
            newest_first = select(RELOCATIONS.c.view).where(went_back).order_by(RELOCATIONS.c.created_at.desc())
            views = [View.model_validate(body) for body in connection.execute(newest_first).scalars()]
        failed = [(view.target, view.finished_at) for view in views if view.target and view.finished_at]
        return {target: finished for target, finished in reversed(failed) if target and finished}

    def change(self, identity: str, change: Callable[[View], View]) -> View:
        """Replace the view by `change(view)`, under the next revision, and tell it as an event."""
        with writing(self._engine) as connection:
            hold_still(connection, identity)
            before = view_of(connection, identity)
            after = change(before)
            if after == before:
                return before
            after = after.model_copy(update={"revision": before.revision + 1})
            keep_told(connection, [Told(view=after)])
            return after

    def keep(self, told: Sequence[Told]) -> Sequence[Told]:
        """Keep what one run told: its views in order, each as an event, claims and decisions, in one transaction.

        What is not newer than the view that is kept already has been kept with it, and is passed over: a late or
        repeated attempt changes nothing. A finished relocation gives its lease back.

        Returns:
            What was news.
        """
        if not told:
            return ()
        with writing(self._engine) as connection:
            hold_still(connection, told[0].view.id)
            return keep_told(connection, told)

    def tell(self, identity: str, kind: str, data: dict[str, Any]) -> None:
        """Append an event that is not a change of the view."""
        with writing(self._engine) as connection:
            append_events(connection, identity, (kind, data))

    def events(self, identity: str | None, after: int = 0, limit: int = 500) -> Sequence[Event]:
        """Events of one relocation (or of all, for None) that came after event `after`, oldest first."""
        statement = _EVENTS.where(EVENTS.c.id > after).order_by(EVENTS.c.id).limit(limit)
        if identity is not None:
            statement = statement.where(EVENTS.c.relocation == identity)
        with self._engine.connect() as connection:
            return [Event(*row) for row in connection.execute(statement)]


def _unfinished(view: View) -> View:
    if view.outcome is not None:
        raise NotRunning(f"{view.id} has ended: {view.outcome}")
    return view


def keep_told(connection: Connection, told: Sequence[Told]) -> Sequence[Told]:
    """As `Relocations.keep`, in a transaction that does more, and holds the application's lease still."""
    if not told:
        return ()
    kept = view_of(connection, told[0].view.id)
    news = [one for one in told if one.view.revision > kept.revision]
    events: list[tuple[str, dict[str, Any]]] = []
    for one in news:
        evidence.append(connection, one.view.id, one.claims)
        body = one.view.model_dump(mode="json")
        if one.decision is not None:
            events.append(("decision", one.decision))
        if one.view != kept.model_copy(update={"revision": one.view.revision}):
            events.append(("view", body))
        kept = one.view
    if news:
        append_events(connection, kept.id, *events)
        _replace(connection, kept, body)
    return news


def _replace(connection: Connection, view: View, body: dict[str, Any]) -> None:
    row = {"status": view.status, "outcome": view.outcome, "finished_at": view.finished_at}
    # What tells anything runs: whoever started it may have died before that was on record.
    started = view.status is not Status.ACCEPTED
    connection.execute(_REPLACE, {"relocation": view.id, "view": body, "started": started, **row})
    if view.status is Status.FINISHED:
        give_lease_back(connection, view.application, view.id)


def view_of(connection: Connection, identity: str) -> View:
    """As `Relocations.get`, in a transaction that does more."""
    body = connection.execute(_VIEW, {"relocation": identity}).scalar()
    if body is None:
        raise unknown(identity)
    return View.model_validate(body)


def unknown(identity: str) -> NotFound:
    """There is none of that id."""
    return NotFound(f"no relocation is called {identity}")


def append_events(connection: Connection, relocation: str, *events: tuple[str, dict[str, Any]]) -> None:
    """Events by kind and data, in order."""
    rows = [{"relocation": relocation, "at": datetime.now(UTC), "kind": kind, "data": data} for kind, data in events]
    if rows:
        connection.execute(_TELL, rows)
