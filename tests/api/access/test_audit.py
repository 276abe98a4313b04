# SPDX-License-Identifier: Apache-2.0
"""The record of who did what: of every change that somebody wanted, before he hears of it, and for ever."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.emco.listener import create_open_app
from relocate.store.database import Database
from tests.api.conftest import APPLICATION
from tests.api.memory_dispatch import MemoryDispatch
from tests.api.test_invoke import SENT

TOKENS: list[dict[str, Any]] = [
    {"name": "root", "token": "token-of-the-operator", "scopes": ["admin"]},
    {"name": "engine", "token": "token-of-the-decision-engine", "scopes": ["write"]},
    {"name": "other", "token": "token-of-another-project", "scopes": ["admin"], "projects": ["other"]},
]
ROOT, ENGINE, OTHER = ({"Authorization": f"Bearer {one['token']}"} for one in TOKENS)


@pytest.fixture
async def client(make_app: Callable[..., FastAPI]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who asks an API with tokens."""
    transport = httpx.ASGITransport(make_app(tokens=TOKENS))
    async with httpx.AsyncClient(transport=transport, base_url="http://edge.example") as client:
        yield client


async def _acts(client: httpx.AsyncClient, headers: dict[str, str] = ROOT, **query: str | int) -> list[dict[str, Any]]:
    answer = await client.get("/v1/audit", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_change_is_on_record_with_who_wanted_it(client: httpx.AsyncClient) -> None:
    """Caller, what he showed, what he asked for, the body's digest, and what came of it."""
    answer = await client.post("/relocate", json={"application": "assist"}, headers=ENGINE)
    (act,) = await _acts(client)
    assert (act["caller"], act["shown"], act["method"], act["target"]) == ("engine", "token", "POST", "/relocate")
    assert (act["status"], act["about"]) == (202, answer.headers["location"])
    assert act["digest"] == hashlib.sha256(answer.request.content).hexdigest()


async def test_looking_is_not_on_record(client: httpx.AsyncClient) -> None:
    """Only what would change something is, also where it only asks what would happen."""
    await client.get("/v1/relocations", headers=ENGINE)
    assert await _acts(client) == []
    await client.post("/relocate?dryRun=true", json={"application": "assist"}, headers=ENGINE)
    assert [act["target"] for act in await _acts(client)] == ["/relocate?dryRun=true"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/relocate", {"application": "nobodys"}, 404),
        ("POST", "/relocate", {"application": 7}, 422),
        ("PUT", "/v1/applications/assist", APPLICATION, 403),
        ("POST", "/v1/relocations/r-9/cancel", None, 404),
        ("POST", "/nowhere", None, 404),
    ],
)
async def test_what_was_refused_is_on_record(
    client: httpx.AsyncClient, method: str, path: str, body: object, status: int
) -> None:
    """With the status that it was answered."""
    assert (await client.request(method, path, json=body, headers=ENGINE)).status_code == status
    assert [(act["method"], act["target"], act["status"]) for act in await _acts(client)] == [(method, path, status)]


async def test_who_is_not_known_does_nothing_and_leaves_nothing(client: httpx.AsyncClient) -> None:
    """Guesses at tokens cannot fill the record."""
    await client.post("/relocate", json={"application": "assist"}, headers={"Authorization": "Bearer a-mere-guess"})
    assert await _acts(client) == []


async def test_a_project_sees_what_was_done_with_its_own(client: httpx.AsyncClient) -> None:
    """By whomever; what was done elsewhere is not there."""
    theirs = {**APPLICATION, "name": "till", "project": "other", "routes": [], "ports": ["http"]}
    theirs["policy"] = {"unproven": "allow"}
    assert (await client.put("/v1/applications/till", json=theirs, headers=ROOT)).status_code == 201
    await client.put("/v1/applications/assist", json=APPLICATION, headers=ROOT)
    await client.put("/v1/applications/till/placement", json={"cluster": "mec-z"}, headers=OTHER)
    seen = [(act["caller"], act["project"], act["target"]) for act in await _acts(client, OTHER)]
    assert seen == [("other", "other", "/v1/applications/till/placement"), ("root", "other", "/v1/applications/till")]
    assert len(await _acts(client)) == 3
    assert await _acts(client, OTHER, project="default") == []


async def test_the_record_is_read_page_by_page(client: httpx.AsyncClient) -> None:
    """Newest first; `next` leads on; by caller."""
    for number in range(5):
        await client.post(f"/v1/relocations/r-{number}/hold", headers=ENGINE if number % 2 else ROOT)
    page = (await client.get("/v1/audit?limit=2", headers=ROOT)).json()
    targets = [act["target"] for act in page["items"]]
    while page["next"]:
        page = (await client.get(page["next"], headers=ROOT)).json()
        targets += [act["target"] for act in page["items"]]
    assert targets == [f"/v1/relocations/r-{number}/hold" for number in (4, 3, 2, 1, 0)]
    assert len(await _acts(client, caller="engine")) == 2
    assert (await client.get("/v1/audit?callers=engine", headers=ROOT)).status_code == 422


async def test_what_cannot_be_put_on_record_is_not_called_done(client: httpx.AsyncClient, catalogue: Database) -> None:
    """503, whatever had been answered; and it says that it may have been done."""
    with catalogue.engine.begin() as connection:
        connection.execute(text("DROP TABLE audit"))
    answer = await client.post("/relocate", json={"application": "assist"}, headers=ENGINE)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-recorded")


async def test_what_broke_us_is_on_record(
    make_app: Callable[..., FastAPI], catalogue: Database, dispatch: MemoryDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw is answered with 500, and stands there as that."""

    def breaks(_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(dispatch, "_check", breaks)
    transport = httpx.ASGITransport(make_app(tokens=TOKENS), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://edge.example") as client:
        answer = await client.post("/relocate", json={"application": "assist"}, headers=ENGINE)
    assert answer.status_code == 500
    assert [(one.act.target, one.act.status) for one in catalogue.audit.list()] == [("/relocate", 500)]


async def test_many_at_once_are_all_on_record(client: httpx.AsyncClient) -> None:
    """Written together, none lost, each with its own answer."""
    paths = [f"/v1/relocations/r-{number}/hold" for number in range(100)]
    await asyncio.gather(*(client.post(path, headers=ENGINE) for path in paths))
    assert sorted(act["target"] for act in await _acts(client, limit=1000)) == sorted(paths)


async def test_emcos_calls_are_on_record(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """With the workflow that they started."""
    await client.post(
        "/invoke/migrate_workflowclient", content=SENT, headers={**ENGINE, "Content-Type": "application/json"}
    )
    assert "migrate-apps-1" in dispatch.workflows.started
    assert [(act["target"], act["status"], act["about"]) for act in await _acts(client)] == [
        ("/invoke/migrate_workflowclient", 204, "migrate-apps-1")
    ]


async def test_who_needs_no_token_is_on_record_as_emco(make_app: Callable[..., FastAPI], catalogue: Database) -> None:
    """On the open listener nobody shows anything, and nobody else gets in."""
    app = make_app(tokens=TOKENS)
    opened = create_open_app(app.state.service, app.state.request_figures)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(opened), base_url="http://edge.example") as client:
        await client.post("/invoke/migrate_workflowclient", content=SENT, headers={"Content-Type": "application/json"})
    assert [(one.act.caller, one.act.shown) for one in catalogue.audit.list()] == [("EMCO", "nothing")]
