# SPDX-License-Identifier: Apache-2.0
"""CloudEvents in: a UE has moved to another cell.

Structured (`application/cloudevents+json`), batch (`application/cloudevents-batch+json`) and binary (attributes in
`ce-` headers) mode of CloudEvents 1.0 over HTTP. An event is decided about once, known by its source and id.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.access.projects import Reach, TheReach
from api.problems import name_of
from api.service import Service, TheService
from relocate.errors import AlreadyExists, InvalidRequest, RelocateError
from relocate.model.application import Application, Sharing
from relocate.model.relocation import UE, Actor, RelocationRequest
from relocate.model.values import Model, Name
from relocate.store.ue_events import Decided, UeEvents

router = APIRouter(tags=["events"])

UE_MOVED = "mec.relocation.ue-moved.v1"

MAX_BATCH = 100

_BATCH = "application/cloudevents-batch+json"

NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]+$"
"""A string of CloudEvents 1.0 (2.2) has no control characters."""


class UeMoved(Model):
    """The event's data: which UE of which application is in which cell now."""

    app: Name
    ue: UE | Annotated[str, Field(min_length=1, max_length=256)]
    """An identity with its type, or just a name."""
    cell: str = Field(min_length=1, max_length=128)
    candidates: tuple[Name, ...] | None = Field(default=None, min_length=1, max_length=1000)


class CloudEvent(BaseModel):
    """CloudEvents 1.0; attributes that we do not know are allowed, as the specification asks."""

    model_config = ConfigDict(extra="allow", frozen=True)

    specversion: Literal["1.0"]
    id: str = Field(min_length=1, max_length=256, pattern=NO_CONTROLS)
    source: str = Field(min_length=1, max_length=256, pattern=NO_CONTROLS)
    type: Literal["mec.relocation.ue-moved.v1"]
    data: UeMoved


class EventAnswer(BaseModel):
    """What became of one event."""

    source: str
    id: str
    status: int
    """As the HTTP status it would have had alone."""
    decision: Literal["relocating", "not_moved"] | None
    """None: nothing was decided; `problem` says why, and the event may be sent again."""
    reason: str
    relocation: str | None = None
    """Address of the relocation that the event started."""
    problem: str | None = None
    """`/problems/NAME`."""


@router.post("/v1/events", status_code=202, responses={200: {"model": EventAnswer | list[EventAnswer]}})
async def receive_event(
    request: Request, body: Annotated[Any, Body()], service: TheService, reach: TheReach, response: Response
) -> EventAnswer | list[EventAnswer]:
    """Report that a UE has moved. A shared application never moves for one UE: 200, `not_moved`, with the reason."""
    if request.headers.get("content-type", "").startswith(_BATCH):
        response.status_code = 200
        return [await _alone(service, event, reach) for event in _batch(body)]
    event = _event(_attributes(request.headers, body))
    answer = await _decide(service, event, reach)
    response.status_code = answer.status
    return answer


def _batch(body: object) -> list[CloudEvent]:
    if not isinstance(body, list) or len(body) > MAX_BATCH:
        raise InvalidRequest(f"body: a batch is an array of at most {MAX_BATCH} events", field="body")
    return [_event(one, f"{number}.") for number, one in enumerate(body)]


def _attributes(headers: Mapping[str, str], body: object) -> object:
    """The event's attributes as one object, whichever mode it came in."""
    if "ce-specversion" not in headers:
        return body
    attributes = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    return {**attributes, "data": body}


def _event(attributes: object, prefix: str = "") -> CloudEvent:
    try:
        return CloudEvent.model_validate(attributes)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = prefix + ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidRequest(f"{field}: {first['msg']}", field=field) from error


async def _alone(service: Service, event: CloudEvent, reach: Reach) -> EventAnswer:
    """One event of a batch: its failure is its own."""
    try:
        return await _decide(service, event, reach)
    except RelocateError as error:
        name = name_of(error)
        return EventAnswer(
            source=event.source,
            id=event.id,
            status=422 if isinstance(error, InvalidRequest) else 409,
            decision=None,
            reason=str(error),
            problem=f"/problems/{name}",
        )


async def _decide(service: Service, event: CloudEvent, reach: Reach) -> EventAnswer:
    await reach.application(event.data.app)
    events = UeEvents(service.database.engine)
    decided = await asyncio.to_thread(events.get, event.source, event.id)
    if decided is not None and decided.application != event.data.app:
        raise AlreadyExists("id: an event of that source and id has been decided about, of another application")
    if decided is None:
        with service.ue_events.labels("failed").count_exceptions(RelocateError):
            application = await asyncio.to_thread(service.database.catalogue.get, Application, event.data.app)
            found = await _consequence(service, application, event, reach)
        decided = await asyncio.to_thread(events.put, found, event.model_dump(mode="json"))
        service.ue_events.labels(decided.decision).inc()
    else:
        service.ue_events.labels("repeated").inc()
    moving = decided.relocation is not None
    return EventAnswer(
        source=decided.source,
        id=decided.id,
        status=202 if moving else 200,
        decision=decided.decision,
        reason=decided.reason,
        relocation=f"/v1/relocations/{decided.relocation}" if moving else None,
    )


async def _consequence(service: Service, application: Application, event: CloudEvent, reach: Reach) -> Decided:
    if application.sharing is Sharing.SHARED:
        reason = f"{application.name} is shared by many UEs, so the move of one does not move it."
        return Decided(event.source, event.id, "not_moved", reason, None, application.name)
    moved = event.data
    request = RelocationRequest(
        application=moved.app,
        ue=moved.ue if isinstance(moved.ue, UE) else UE(value=moved.ue),
        cell=moved.cell,
        candidates=moved.candidates,
        reason=f"the UE moved to cell {moved.cell}",
    )
    # The key makes a repeat safe when we die between accepting and recording.
    key = "event-" + hashlib.sha256(f"{event.source}\n{event.id}".encode()).hexdigest()
    accepted = await service.dispatch.accept(
        request, key=reach.key(key), actor=Actor(who=reach.principal.name, why=request.reason)
    )
    reason = f"{application.name} is dedicated to that UE and follows it."
    return Decided(event.source, event.id, "relocating", reason, accepted.view.id, application.name)
