# SPDX-License-Identifier: Apache-2.0
"""Requests from the moment of acceptance until Temporal has what they ask for."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Engine, insert, select, update

from relocate.errors import InvalidRequest, RelocateError
from relocate.model.application import Application
from relocate.model.relocation import Actor, Parent, Phase, RelocationRequest, Status, Step, View
from relocate.model.values import DEFAULT_PROJECT
from relocate.store.catalogue import CATALOGUE_TURN, fitting
from relocate.store.relocations import append_events, view_of
from relocate.store.tables import IDEMPOTENCY, RELOCATIONS
from relocate.store.turn import take_lease
from steering.store.engine import writing
from steering.store.turns import share_turn, take_turns

# Made once: making one takes longer than running it.
_KEEP = insert(RELOCATIONS)


class Accepted(NamedTuple):
    """A request that is kept: from now on it will be started, whatever crashes."""

    view: View
    lease: int
    repeated: bool
    """Whether this very request (same idempotency key) had been accepted before."""
    application: Application | None = None
    """As configured at that moment, where it was looked for."""


class Asked(NamedTuple):
    """A request that came in, and from whom."""

    id: str
    """Of the relocation that it becomes if it is accepted."""
    request: RelocationRequest
    key: str | None
    """The caller's idempotency key."""
    actor: Actor
    trace: str = ""
    """Id of the trace that the request belongs to, if there is one."""
    parent: Parent | None = None
    """Who starts it; None: we do."""


class Pending(NamedTuple):
    """Accepted and not known to be started."""

    id: str
    lease: int
    request: RelocationRequest
    created_at: datetime
    parent: Parent | None = None
    """Who starts it; None: we do."""

    @classmethod
    def of(cls, accepted: Accepted) -> Self:
        """What was accepted a moment ago."""
        view = accepted.view
        return cls(view.id, accepted.lease, view.request, view.created_at)


class Acceptance:
    """The way in: what is kept here will be started, whatever crashes."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def accept_fitting(self, asked: Sequence[Asked]) -> Sequence[Accepted | RelocateError]:
        """As `accept`, each request that fits what is configured and placed at that very moment, in one transaction.

        Returns:
            For each request, in their order, that it is accepted or why it is not: what `catalogue.fitting` and `accept`
            raise. One that is refused changes nothing, and stops no other.
        """
        # Whoever takes several leases takes them in this order: no two processes ever wait for each other.
        ordered = sorted(asked, key=lambda one: one.request.application)
        with writing(self._engine) as connection:
            share_turn(connection, CATALOGUE_TURN)
            _take_keys(connection, *(one.key for one in asked))
            answers = {one.id: _accept_fitting(connection, one) for one in ordered}
        return [answers[one.id] for one in asked]

    def accept(
        self, identity: str, request: RelocationRequest, *, key: str | None = None, project: str = DEFAULT_PROJECT
    ) -> Accepted:
        """Take the application's lease and keep the request, in one transaction.

        Args:
            identity: the new relocation's id.
            request: a checked request.
            key: the caller's idempotency key.
            project: whose application it is.

        Raises:
            AlreadyRelocating: another relocation holds the application's lease.
            InvalidRequest: the key was used for another request.
        """
        with writing(self._engine) as connection:
            _take_keys(connection, key)
            asked = Asked(identity, request, key, Actor())
            return _repeated(connection, request, key) or _accept(connection, asked, project)

    def repeated(self, request: RelocationRequest, key: str | None) -> Accepted | None:
        """What the same key was answered the first time, or None for a new one.

        Raises:
            InvalidRequest: the key was used for another request.
        """
        with self._engine.connect() as connection:
            return _repeated(connection, request, key)

    def started(self, *identities: str) -> None:
        """Temporal has these workflows."""
        with writing(self._engine) as connection:
            connection.execute(update(RELOCATIONS).where(RELOCATIONS.c.id.in_(identities)).values(started=True))

    def not_started(self, accepted_before: datetime | None = None) -> Sequence[Pending]:
        """Relocations accepted until then (None: ever) that Temporal may not have, oldest first."""
        columns = RELOCATIONS.c.lease, RELOCATIONS.c.view, RELOCATIONS.c.parent
        statement = select(*columns).where(~RELOCATIONS.c.started)
        if accepted_before is not None:
            statement = statement.where(RELOCATIONS.c.created_at <= accepted_before)
        with self._engine.connect() as connection:
            oldest_first = connection.execute(statement.order_by(RELOCATIONS.c.created_at))
            rows = [(row.lease, row.parent, View.model_validate(row.view)) for row in oldest_first]
        return [
            Pending(view.id, lease, view.request, view.created_at, parent and Parent.model_validate(parent))
            for lease, parent, view in rows
        ]


def _accept_fitting(connection: Connection, asked: Asked) -> Accepted | RelocateError:
    """Nothing is written before the last reason to refuse has been looked for."""
    try:
        repeated = _repeated(connection, asked.request, asked.key)
        if repeated is not None:
            return repeated
        application, _ = fitting(connection, asked.request)
        by = {"by": asked.actor.who, "why": asked.actor.why} | ({"trace": asked.trace} if asked.trace else {})
        accepted = _accept(connection, asked, application.project, ("accepted", by))
    except RelocateError as refused:
        return refused
    return accepted._replace(application=application)


def _accept(connection: Connection, asked: Asked, project: str, *more: tuple[str, dict[str, Any]]) -> Accepted:
    identity, request = asked.id, asked.request
    lease = take_lease(connection, request.application, identity)
    view = _first_view(identity, request)
    body = view.model_dump(mode="json")
    row = {
        "application": request.application,
        "project": project,
        "status": view.status,
        "lease": lease,
        "created_at": view.created_at,
    }
    parent = asked.parent and asked.parent.model_dump()
    connection.execute(_KEEP, {"id": identity, "started": False, "view": body, "parent": parent, **row})
    if asked.key is not None:
        used = {"key": asked.key, "digest": _digest(request), "relocation": identity, "created_at": view.created_at}
        connection.execute(insert(IDEMPOTENCY), used)
    append_events(connection, identity, ("view", body), *more)
    return Accepted(view, lease, repeated=False)


def _take_keys(connection: Connection, *keys: str | None) -> None:
    """Before any lease: who repeats a request in a hurry waits until it is known what became of the first one."""
    take_turns(connection, {f"idempotency {key}" for key in keys if key is not None})


def _repeated(connection: Connection, request: RelocationRequest, key: str | None) -> Accepted | None:
    if key is None:
        return None
    row = connection.execute(select(IDEMPOTENCY).where(IDEMPOTENCY.c.key == key)).one_or_none()
    if row is None:
        return None
    if row.digest != _digest(request):
        raise InvalidRequest("Idempotency-Key: was used for another request body", field="Idempotency-Key")
    view = view_of(connection, row.relocation)
    lease = connection.execute(select(RELOCATIONS.c.lease).where(RELOCATIONS.c.id == row.relocation)).scalar_one()
    return Accepted(view, lease, repeated=True)


def _digest(request: RelocationRequest) -> str:
    return hashlib.sha256(json.dumps(request.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def _first_view(identity: str, request: RelocationRequest) -> View:
    return View(
        id=identity,
        application=request.application,
        status=Status.ACCEPTED,
        sentence="Accepted; it will start in a moment.",
        request=request,
        source=request.source,
        target=request.target,
        steps=tuple(Step(phase=phase) for phase in Phase),
        created_at=datetime.now(UTC),
    )
