# SPDX-License-Identifier: Apache-2.0
"""The traffic feed: a growing file of JSON lines, one for each second, told to the page as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from api.service import Service, ThePrincipal, TheService
from api.streams import HEARTBEAT, SILENCE, STREAM, LastEventId, message, stream
from relocate.errors import NotFound

router = APIRouter(tags=["events"])

PERIOD = 0.2
"""Seconds between two looks at the file, while somebody listens."""

CHUNK = 256 * 1024


@router.get("/v1/traffic/stream", response_class=StreamingResponse, responses=STREAM)
async def traffic(service: TheService, principal: ThePrincipal, last: LastEventId = None) -> Response:
    """Traffic for each second, from the feed's start; 404 when this service has no feed. It is of all projects."""
    if service.settings.page_feed is None or not principal.everywhere:
        raise NotFound("this service has no traffic feed (RELOCATE_PAGE_FEED)")
    return stream(_tail(service, service.settings.page_feed, last or 0))


async def _tail(service: Service, path: Path, offset: int) -> AsyncIterator[bytes]:
    """Whole lines as they are written, from `offset` on; a file that became shorter is a new one."""
    told_at = monotonic()
    while not service.tail.stopped:
        size, text = await asyncio.to_thread(_read, path, offset)
        if size < offset:
            offset = 0
            continue
        whole = text[: text.rfind(b"\n") + 1]
        for line in whole.splitlines(keepends=True):
            offset += len(line)
            if seen := _parsed(line):
                yield message("second", seen, offset)
        if whole:
            told_at = monotonic()
        elif monotonic() - told_at > HEARTBEAT:
            told_at = monotonic()
            yield SILENCE
        if len(text) < CHUNK:
            await asyncio.sleep(PERIOD)


def _read(path: Path, offset: int) -> tuple[int, bytes]:
    """The file's size and what follows `offset`; nothing while there is no file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(min(offset, size))
            return size, file.read(CHUNK)
    except FileNotFoundError:
        return offset, b""


def _parsed(line: bytes) -> dict[str, object] | None:
    """The line's object; a line that is none (its writer was killed in the middle) is passed over."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
