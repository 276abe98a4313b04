# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: of one relocation (resumable, ends with it) and of all of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse

from api.access.principal import Principal
from api.event_tail import Listener, TooSlow
from api.service import Identity, Service, ThePrincipal, TheService
from relocate.model.relocation import Status
from relocate.store.relocations import Event

HEARTBEAT = 10.0
"""Seconds of silence after which a comment is sent, so that proxies and readers know that somebody is there."""

SILENCE = b": still here\n\n"

PAGE = 500

LastEventId = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, lt=2**63, description="Resume after this event.")
]

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}

router = APIRouter(tags=["events"])


def message(kind: str, data: object, identity: int | str | None = None) -> bytes:
    """One event in the wire form of the HTML standard."""
    mark = "" if identity is None else f"id: {identity}\n"
    return f"{mark}event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def stream(parts: AsyncIterator[bytes]) -> StreamingResponse:
    """The answer that carries `parts`; no proxy should hold them back."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(parts, media_type="text/event-stream", headers=headers)


@router.get("/v1/relocations/{identity}/events", response_class=StreamingResponse, responses=STREAM)
async def relocation_events(identity: Identity, service: TheService, last: LastEventId = None) -> Response:
    """What happened in one relocation, from its start (or after `Last-Event-ID`), live until it is finished."""
    view = await asyncio.to_thread(service.database.relocations.get, identity)
    after = last or 0
    if view.status is Status.FINISHED and not await asyncio.to_thread(
        service.database.relocations.events, identity, after, 1
    ):
        return Response(status_code=204)  # tells an EventSource not to come again
    return stream(_relocation(service, identity, after, over=view.status is Status.FINISHED))


@router.get("/v1/events/stream", response_class=StreamingResponse, responses=STREAM)
async def all_events(service: TheService, principal: ThePrincipal, last: LastEventId = None) -> Response:
    """What happens in all relocations that are there for the caller, from now on (or after `Last-Event-ID`).

    The first event, `open`, says where the stream stands, whether `Last-Event-ID` was of another database (`reset`),
    and whether there is a traffic feed for the caller.
    """
    return stream(_all(service, principal, last))


async def _relocation(service: Service, identity: str, after: int, *, over: bool) -> AsyncIterator[bytes]:
    async with service.tail.listen() as listener:
        until = None if over else listener.position
        async for event in _history(service, identity, after, until):
            yield _told(event)
            after = event.id
            over = over or _ends(event)
        if over:
            return
        async for live in _live(listener):
            if live is None:
                yield SILENCE
            elif live.relocation == identity and live.id > after:
                yield _told(live)
                if _ends(live):
                    return


async def _all(service: Service, principal: Principal, last: int | None) -> AsyncIterator[bytes]:
    async with service.tail.listen() as listener:
        newest = await asyncio.to_thread(service.tail.newest)
        reset = last is not None and last > newest
        after = listener.position if last is None or reset else last
        feed = service.settings.page_feed is not None and principal.everywhere
        yield message("open", {"position": after, "reset": reset, "feed": feed}, after)
        async for event in _history(service, None, after, listener.position):
            if _is_for(principal, event):
                yield _told(event)
            after = event.id
        async for live in _live(listener):
            if live is None:
                yield SILENCE
            elif live.id > after and _is_for(principal, live):
                yield _told(live)


def _is_for(principal: Principal, event: Event) -> bool:
    return principal.everywhere or (event.project is not None and principal.reaches(event.project))


def _ends(event: Event) -> bool:
    return event.kind == "view" and event.data.get("status") == Status.FINISHED


def _told(event: Event) -> bytes:
    body = {"relocation": event.relocation, "at": event.at.isoformat(), "data": event.data}
    return message(event.kind, body, event.id)


async def _history(service: Service, identity: str | None, after: int, until: int | None) -> AsyncIterator[Event]:
    """Events after `after`, and not beyond `until`: what comes later comes from the listener, in order."""
    while True:
        events = await asyncio.to_thread(service.database.relocations.events, identity, after, PAGE)
        for event in events:
            if until is not None and event.id > until:
                return
            yield event
            after = event.id
        if len(events) < PAGE:
            return


async def _live(listener: Listener) -> AsyncIterator[Event | None]:
    """Events as they come; None for silence. Ends with the service, or when this reader is too slow."""
    while True:
        try:
            event = await listener.next(HEARTBEAT)
        except TimeoutError:
            yield None
            continue
        except TooSlow:
            return
        if event is None:
            return
        yield event
