# SPDX-License-Identifier: Apache-2.0
"""A UE has moved: what CloudEvents start, and what they do not."""

from typing import Any

import httpx
import pytest

from relocate.store.database import Database
from tests.api.memory_dispatch import MemoryDispatch, finish

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/amf/1",
    "type": "mec.relocation.ue-moved.v1",
    "time": "2026-11-22T08:00:00Z",
    "data": {"app": "assist", "ue": "car-7", "cell": "cell-b", "candidates": ["mec-b"]},
}
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}


async def test_dedicated_application_follows_its_ue(client: httpx.AsyncClient, database: Database) -> None:
    """202, and the relocation knows UE, cell and candidates."""
    answer = await client.post("/v1/events", json=EVENT, headers=STRUCTURED)
    assert (answer.status_code, answer.json()["decision"]) == (202, "relocating")
    request = (await client.get(answer.json()["relocation"])).json()["request"]
    assert request["ue"] == {"type": "NAME", "value": "car-7"}
    assert (request["cell"], request["candidates"]) == ("cell-b", ["mec-b"])


async def test_shared_application_stays(client: httpx.AsyncClient, database: Database) -> None:
    """200, not_moved, with the reason; nothing is started."""
    event = {**EVENT, "data": {**EVENT["data"], "app": "maps"}}
    answer = await client.post("/v1/events", json=event, headers=STRUCTURED)
    assert (answer.status_code, answer.json()["decision"]) == (200, "not_moved")
    assert "shared" in answer.json()["reason"]
    assert database.relocations.list() == []


async def test_event_counts_once(client: httpx.AsyncClient, database: Database) -> None:
    """The same source and id is answered the same, even after the relocation has ended."""
    first = await client.post("/v1/events", json=EVENT, headers=STRUCTURED)
    finish(database, first.json()["relocation"].rpartition("/")[2])
    again = await client.post("/v1/events", json=EVENT, headers=STRUCTURED)
    assert again.json() == first.json()
    assert len(database.relocations.list()) == 1


async def test_binary_mode_is_understood(client: httpx.AsyncClient) -> None:
    """Attributes in headers, data in the body."""
    headers = {f"ce-{name}": EVENT[name] for name in ("specversion", "id", "type")} | {"ce-source": "%2Famf%2F1"}
    answer = await client.post("/v1/events", json=EVENT["data"], headers=headers)
    assert (answer.status_code, answer.json()["source"]) == (202, "/amf/1")


async def test_events_of_a_batch_are_judged_alone(client: httpx.AsyncClient) -> None:
    """One that cannot be served now does not stop the others, and may be sent again."""
    shared = {**EVENT, "id": "e-2", "data": {**EVENT["data"], "app": "maps"}}
    answer = await client.post("/v1/events", json=[EVENT, shared, {**EVENT, "id": "e-3"}], headers=BATCH)
    assert answer.status_code == 200
    assert [one["status"] for one in answer.json()] == [202, 200, 409]
    assert answer.json()[2]["problem"] == "/problems/already-relocating"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": "a\x1fb"}, "id"),
        ({"type": "mec.relocation.ue-moved.v2"}, "type"),
        ({"data": {"app": "assist", "ue": "car-7"}}, "data.cell"),
        ({"data": {**EVENT["data"], "speed": 3}}, "data.speed"),
        ({"data": None}, "data"),
    ],
)
async def test_malformed_event_is_named(client: httpx.AsyncClient, change: dict[str, Any], field: str) -> None:
    """422 names the attribute or the data's field."""
    answer = await client.post("/v1/events", json={**EVENT, **change}, headers=STRUCTURED)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_event_that_could_not_be_served_may_come_again(
    client: httpx.AsyncClient, dispatch: MemoryDispatch
) -> None:
    """Nothing is recorded while Temporal is down, so the repeat starts the relocation."""
    dispatch.down = True
    assert (await client.post("/v1/events", json=EVENT, headers=STRUCTURED)).status_code == 503
    dispatch.down = False
    assert (await client.post("/v1/events", json=EVENT, headers=STRUCTURED)).status_code == 202
