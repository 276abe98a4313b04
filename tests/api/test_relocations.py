# SPDX-License-Identifier: Apache-2.0
"""Asking for relocations and looking at them."""

import httpx
import pytest

from relocate.store.database import Database
from tests.api.memory_dispatch import MemoryDispatch, finish

WANTED = {"application": "assist", "target": "mec-b", "reason": "the UE is in cell-b"}


@pytest.mark.parametrize("path", ["/relocate", "/v1/relocations"])
async def test_request_is_accepted_with_its_address(client: httpx.AsyncClient, path: str) -> None:
    """202, Location, and the view with links."""
    answer = await client.post(path, json=WANTED)
    assert answer.status_code == 202
    body = answer.json()
    assert answer.headers["location"] == body["links"]["self"] == f"/v1/relocations/{body['id']}"
    assert body["status"] == "accepted"
    assert body["steps"][0]["phase"] == "select"
    again = await client.get(answer.headers["location"])
    assert again.json() == body


async def test_same_key_is_answered_the_same(client: httpx.AsyncClient) -> None:
    """The same key with the same body starts nothing new."""
    first = await client.post("/relocate", json=WANTED, headers={"Idempotency-Key": "k1"})
    second = await client.post("/relocate", json=WANTED, headers={"Idempotency-Key": "k1"})
    assert (second.status_code, second.json()) == (202, first.json())


async def test_same_key_for_another_body_is_refused(client: httpx.AsyncClient) -> None:
    """A key stands for one request."""
    await client.post("/relocate", json=WANTED, headers={"Idempotency-Key": "k1"})
    other = await client.post("/relocate", json={**WANTED, "reason": "other"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_second_relocation_of_an_application_names_the_first(client: httpx.AsyncClient) -> None:
    """409 with the running one's address."""
    first = await client.post("/relocate", json=WANTED)
    second = await client.post("/relocate", json=WANTED)
    assert second.status_code == 409
    assert second.json()["relocation"] == first.headers["location"]
    assert second.headers["link"] == f'<{first.headers["location"]}>; rel="related"'


async def test_dry_run_changes_nothing(client: httpx.AsyncClient) -> None:
    """200 with the plan, and no relocation afterwards."""
    plan = await client.post("/relocate?dryRun=true", json=WANTED)
    assert plan.status_code == 200
    assert plan.json()["target"] == "mec-b"
    assert (await client.get("/v1/relocations")).json() == {"items": [], "next": None}


async def test_pages_follow_each_other(client: httpx.AsyncClient, catalogue: Database) -> None:
    """Every relocation is listed once, newest first, by following the links."""
    made = []
    for _ in range(5):
        made.append((await client.post("/relocate", json=WANTED)).json()["id"])
        finish(catalogue, made[-1])
    seen: list[str] = []
    address: str | None = "/v1/relocations?limit=2&application=assist"
    while address:
        page = await client.get(address)
        seen += [one["id"] for one in page.json()["items"]]
        address = page.json()["next"]
        assert page.links.get("next", {}).get("url") == address
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("status=finished", 1),
        ("status=running", 0),
        ("outcome=completed", 1),
        ("outcome=cancelled", 0),
        ("application=maps", 0),
    ],
)
async def test_filters_select(client: httpx.AsyncClient, catalogue: Database, query: str, number: int) -> None:
    """Each filter lists what it says."""
    finish(catalogue, (await client.post("/relocate", json=WANTED)).json()["id"])
    assert len((await client.get(f"/v1/relocations?{query}")).json()["items"]) == number


@pytest.mark.parametrize(
    "query", ["state=running", "limit=0", "limit=501", "status=odd", "cursor=r-none", "cursor=%00"]
)
async def test_filter_that_makes_no_sense_is_named(client: httpx.AsyncClient, query: str) -> None:
    """422 names the parameter."""
    answer = await client.get(f"/v1/relocations?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == f"query.{query.partition('=')[0]}"


async def test_cancel_is_recorded_with_its_reason(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """202, and the orchestrator hears why."""
    address = (await client.post("/relocate", json=WANTED)).headers["location"]
    answer = await client.post(f"{address}/cancel", json={"why": "wrong cluster"})
    assert answer.status_code == 202
    assert dispatch.actors[-1].why == "wrong cluster"


@pytest.mark.parametrize("command", ["hold", "proceed", "retry", "finish-cleanup", "abandon"])
async def test_command_says_what_became_of_it(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, command: str
) -> None:
    """200 with a sentence when taken, 409 with a sentence when refused; the body is optional."""
    address = (await client.post("/relocate", json=WANTED)).headers["location"]
    taken = await client.post(f"{address}/{command}")
    assert (taken.status_code, taken.json()) == (200, {"accepted": True, "sentence": f"Accepted: {command}."})
    dispatch.refusing = True
    refused = await client.post(f"{address}/{command}", json={})
    assert (refused.status_code, refused.json()["detail"]) == (409, f"There is nothing to {command} now.")


@pytest.mark.parametrize("command", ["cancel", "hold", "proceed", "retry", "finish-cleanup", "abandon"])
async def test_nothing_can_be_said_to_a_relocation_that_has_ended(
    client: httpx.AsyncClient, database: Database, dispatch: MemoryDispatch, command: str
) -> None:
    """409 says how it ended; nothing is asked of the orchestrator."""
    ended = finish(database, (await client.post("/relocate", json=WANTED)).json()["id"])
    before = list(dispatch.actors)
    answer = await client.post(f"/v1/relocations/{ended.id}/{command}")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/refused")
    assert answer.json()["detail"] == f"{ended.id} has ended: {ended.outcome}"
    assert dispatch.actors == before


async def test_settle_needs_a_side(client: httpx.AsyncClient) -> None:
    """422 names the field; with a side it is taken."""
    address = (await client.post("/relocate", json=WANTED)).headers["location"]
    without = await client.post(f"{address}/settle")
    assert (without.status_code, without.json()["errors"][0]["field"]) == (422, "cluster")
    assert (await client.post(f"{address}/settle", json={"cluster": "mec-a"})).status_code == 200


async def test_engine_down_accepts_nothing(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """503 with Retry-After."""
    dispatch.down = True
    answer = await client.post("/relocate", json=WANTED)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/engine-unavailable")
    assert answer.headers["retry-after"] == "1"
