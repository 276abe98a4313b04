# SPDX-License-Identifier: Apache-2.0
"""Puts on record who asked for what change, and what he was answered: before he hears the answer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from api.access.principal import Principal
from api.problems import RequestRefused, refusal
from relocate.store.audit import Act, Audit
from steering.store.batches import Batches

DRAFT = "relocate.act"
"""Key in the ASGI scope under which a request that changes something is drafted for the record."""
LOOKS = ("GET", "HEAD")
LONGEST = 1024
"""Characters of a target, and of what an answer names."""

_log = structlog.get_logger(__name__)


@dataclass
class Draft:
    """What is known of a request so far."""

    principal: Principal
    method: str
    target: str
    digest: str = ""
    project: str | None = None
    kept: bool = False
    """Whether it is on record."""

    def ended(self, status: int, headers: Mapping[str, str]) -> Act:
        """The act, by how it was answered."""
        about = headers.get("location") or headers.get("workflow-id") or ""
        return Act(
            at=datetime.now(UTC),
            caller=self.principal.name,
            shown=self.principal.shown,
            project=self.project,
            method=self.method,
            target=self.target[:LONGEST],
            digest=self.digest,
            status=status,
            about=about[:LONGEST],
        )


def read(scope: Scope, body: bytes) -> None:
    """This is what was sent."""
    draft = scope.get(DRAFT)
    if isinstance(draft, Draft):
        draft.digest = hashlib.sha256(body).hexdigest() if body else ""


def concerns(scope: Scope, project: str) -> None:
    """The request turns out to be about something of this project."""
    draft = scope.get(DRAFT)
    if isinstance(draft, Draft):
        draft.project = project


class Recorder:
    """Of one API process; what comes at the same time is written together."""

    def __init__(self, audit: Audit) -> None:
        """Args: audit: the record."""
        self._acts = Batches(audit.put)

    def recording(self, scope: Scope, principal: Principal, receive: Receive, send: Send) -> Send:
        """`send` for a request, such that its answer is sent only when it is on record; as it is, if nothing is changed by it."""
        if scope["method"] in LOOKS:
            return send
        query = scope["query_string"].decode("latin-1")
        scope[DRAFT] = draft = Draft(principal, scope["method"], f"{scope['path']}{'?' if query else ''}{query}")
        return _Answer(self, draft, scope, receive, send).send

    async def broke(self, scope: Scope) -> None:
        """A request has ended in an error that nobody foresaw, of which others tell the caller: put that on record."""
        draft = scope.get(DRAFT)
        if isinstance(draft, Draft) and not draft.kept:
            await self.keep(draft, HTTPStatus.INTERNAL_SERVER_ERROR, {})

    async def keep(self, draft: Draft, status: int, headers: Mapping[str, str]) -> bool:
        """Put a request on record with its answer; whether that went well. The log has what could not be."""
        act = draft.ended(status, headers)
        try:
            await self._acts.store(act)
        except SQLAlchemyError as error:
            _log.error("an act could not be put on record", error=str(error), **_told(act))
            return False
        draft.kept = True
        return True


class _Answer:
    """The answer to one request, held back until it is on record."""

    def __init__(self, recorder: Recorder, draft: Draft, scope: Scope, receive: Receive, send: Send) -> None:
        self._recorder = recorder
        self._draft = draft
        self._scope = scope
        self._receive = receive
        self._send = send
        self._replaced = False

    async def send(self, message: Message) -> None:
        if message["type"] != "http.response.start":
            if not self._replaced:
                await self._send(message)
        elif await self._recorder.keep(self._draft, message["status"], Headers(raw=message["headers"])):
            await self._send(message)
        else:
            self._replaced = True
            answer = refusal(RequestRefused("not-recorded", _NOT_RECORDED), self._scope["path"])
            await answer(self._scope, self._receive, self._send)


_NOT_RECORDED = "what was asked for may have been done, and could not be put on the record of who did what"


def _told(act: Act) -> Mapping[str, object]:
    return {**act._asdict(), "at": act.at.isoformat()}
