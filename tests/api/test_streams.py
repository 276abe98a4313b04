# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: of one relocation, of all, and of the traffic feed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.event_tail import BACKLOG, EventTail, Listener, TooSlow, settled
from relocate.model.relocation import RelocationRequest
from relocate.store.database import Database
from relocate.store.relocations import Event
from tests.api.listening import listening
from tests.api.memory_dispatch import finish

WANTED = {"application": "assist", "target": "mec-b"}


async def _messages(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, str, Any]]:
    """(event, id, data) of each message."""
    fields: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif "data" in fields:
            yield fields["event"], fields.get("id", ""), json.loads(fields["data"])
            fields = {}


def _parsed(text: str) -> list[dict[str, str]]:
    parts = [part for part in text.split("\n\n") if part and not part.startswith(":")]
    return [dict(line.split(": ", 1) for line in part.splitlines()) for part in parts]


async def test_stream_of_a_relocation_ends_with_it(client: httpx.AsyncClient, database: Database) -> None:
    """The whole history, then live events, then the end."""
    identity = (await client.post("/relocate", json=WANTED)).json()["id"]

    async def go_on() -> None:
        await asyncio.sleep(0.3)
        database.relocations.tell(identity, "note", {"said": "hello"})
        finish(database, identity)
        database.relocations.tell(identity, "note", {"said": "too late"})

    answer, _ = await asyncio.gather(client.get(f"/v1/relocations/{identity}/events"), go_on())
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [one["event"] for one in _parsed(answer.text)] == ["view", "note", "view"]
    assert json.loads(_parsed(answer.text)[-1]["data"])["data"]["status"] == "finished"


async def test_stream_resumes_where_it_was(client: httpx.AsyncClient, database: Database) -> None:
    """Last-Event-ID leaves out what was told; 204 when nothing is left to tell."""
    identity = (await client.post("/relocate", json=WANTED)).json()["id"]
    finish(database, identity)
    address = f"/v1/relocations/{identity}/events"
    first, last = _parsed((await client.get(address)).text)
    assert _parsed((await client.get(address, headers={"Last-Event-ID": first["id"]})).text) == [last]
    assert (await client.get(address, headers={"Last-Event-ID": last["id"]})).status_code == 204
    malformed = await client.get(address, headers={"Last-Event-ID": "soon"})
    assert malformed.status_code == 422


async def test_stream_of_all_tells_what_happens_from_now_on(app: FastAPI, database: Database) -> None:
    """The first message says where it stands; then every relocation's events come in order, once."""
    async with listening(app) as address, httpx.AsyncClient(base_url=address, timeout=10) as client:
        async with client.stream("GET", "/v1/events/stream") as answer:
            messages = _messages(answer.aiter_lines())
            assert (await anext(messages))[0] == "open"
            for application in ("assist", "maps"):
                await client.post("/relocate", json={"application": application})
            seen = [await anext(messages), await anext(messages)]
        assert [data["data"]["application"] for _, _, data in seen] == ["assist", "maps"]
        async with client.stream("GET", "/v1/events/stream", headers={"Last-Event-ID": seen[0][1]}) as answer:
            messages = _messages(answer.aiter_lines())
            assert [(await anext(messages))[1] for _ in range(2)] == [seen[0][1], seen[1][1]]


async def test_nobody_asks_the_database_when_nobody_listens(database: Database) -> None:
    """One task for all listeners, ended with the last."""
    tail = EventTail(database)
    async with tail.listen(), tail.listen():
        assert tail._task is not None
    assert tail._task is None


async def test_many_events_at_once_come_in_order(database: Database, catalogue: Database) -> None:
    """More than one look's worth, written while somebody listens."""
    tail = EventTail(database)
    identity = database.acceptance.accept("r-1", RelocationRequest(application="assist")).view.id
    async with tail.listen() as listener:
        for number in range(700):
            database.relocations.tell(identity, "note", {"number": number})
        seen = [await listener.next(5) for _ in range(701)]
    notes = [event.data["number"] for event in seen if event is not None and event.kind == "note"]
    assert notes == list(range(700))


async def test_slow_listener_is_sent_away() -> None:
    """It comes again by its Last-Event-ID; events are never left out silently."""
    listener = Listener(0)
    for number in range(BACKLOG + 1):
        listener.put(Event(number, "r", datetime.now(UTC), "note", {}))
    with pytest.raises(TooSlow):
        await listener.next(1)


def test_missing_number_is_waited_for() -> None:
    """An event whose transaction has not committed yet must not be passed over; one that never comes, must."""
    now = datetime.now(UTC)
    events = [Event(number, "r", now, "note", {}) for number in (5, 6, 8)]
    assert [event.id for event in settled(events, 4, now)] == [5, 6]
    assert [event.id for event in settled(events, 4, now + timedelta(seconds=2))] == [5, 6, 8]


async def test_feed_is_told_line_by_line(make_app: Callable[..., FastAPI], tmp_path: Path) -> None:
    """From the start, as it grows; half a line waits for its end, and a new file starts anew."""
    feed = tmp_path / "seconds.jsonl"
    feed.write_text('{"sent": 1}\n{"sent": 2}\n{"se')
    async with (
        listening(make_app(page_feed=feed)) as address,
        httpx.AsyncClient(base_url=address, timeout=10) as client,
    ):
        async with client.stream("GET", "/v1/traffic/stream") as answer:
            messages = _messages(answer.aiter_lines())
            first, second = await anext(messages), await anext(messages)
            with feed.open("a") as file:
                file.write('nt": 3}\n')
            third = await anext(messages)
            feed.write_text('{"sent": 9}\n')
            again = await anext(messages)
        assert [data["sent"] for _, _, data in (first, second, third, again)] == [1, 2, 3, 9]
        feed.write_text('{"sent": 1}\n{"sent": 2}\n')
        async with client.stream("GET", "/v1/traffic/stream", headers={"Last-Event-ID": first[1]}) as answer:
            assert (await anext(_messages(answer.aiter_lines())))[2] == {"sent": 2}


async def test_no_feed_is_a_problem(client: httpx.AsyncClient) -> None:
    """404 tells the page to use the prober's seconds."""
    answer = await client.get("/v1/traffic/stream")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_streams_end_with_the_service(app: FastAPI) -> None:
    """A stop does not wait for pages that are open."""
    async with (
        listening(app) as address,
        httpx.AsyncClient(base_url=address, timeout=10) as client,
        client.stream("GET", "/v1/events/stream") as answer,
    ):
        messages = _messages(answer.aiter_lines())
        assert (await anext(messages))[0] == "open"
        app.state.service.tail.stop()
        assert [one async for one in messages] == []


async def test_reader_of_another_database_is_told(app: FastAPI) -> None:
    """A page that was open while the service began anew must not wait for numbers that are far away."""
    async with (
        listening(app) as address,
        httpx.AsyncClient(base_url=address, timeout=10) as client,
        client.stream("GET", "/v1/events/stream", headers={"Last-Event-ID": "999"}) as answer,
    ):
        assert (await anext(_messages(answer.aiter_lines())))[2] == {"position": 0, "reset": True, "feed": False}
