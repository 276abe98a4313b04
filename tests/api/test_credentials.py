# SPDX-License-Identifier: Apache-2.0
"""Every route, asked with no credential, a wrong one, one that has expired, one that is too weak, and another project's."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.model.relocation import RelocationRequest
from relocate.store.database import Database
from tests.api.conftest import APPLICATION
from tests.api.memory_dispatch import MemoryDispatch
from tests.api.test_invoke import SENT
from tests.api.test_ue_events import EVENT

PAST, FUTURE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
SCOPES = ("read", "write", "admin")
TOKENS = [
    *({"name": scope, "token": f"{scope}-token-of-somebody", "scopes": [scope], "expires": FUTURE} for scope in SCOPES),
    {"name": "late", "token": "late-token-of-somebody", "scopes": ["admin"], "expires": PAST},
    {"name": "other", "token": "other-token-of-somebody", "scopes": ["admin"], "projects": ["other"]},
]
OPEN, READ, WRITE, ADMIN = "open", "read", "write", "admin"

NEEDS: Mapping[str, str] = {
    "GET /": OPEN,
    "GET /page/{name}": OPEN,
    "GET /problems/{name}": OPEN,
    "GET /v1/audit": ADMIN,
}
"""What a request needs that is not what its method says: `read` to look, `write` for anything else."""
UNDESCRIBED = ("/", "/page/{name}", "/problems/{name}", "/openapi.json")
ADMINS = ("/v1/applications/{name}", "/v1/clusters/{name}", "/v1/gateways/{name}")
"""Whose PUT and DELETE configure."""


NOBODYS = ("GET /v1/schemas/{kind}", "GET /v1/evidence/key", "GET /openapi.json")
"""What belongs to no project, and says nothing of any."""
LISTS = (
    "GET /v1/relocations",
    "GET /v1/applications",
    "GET /v1/clusters",
    "GET /v1/gateways",
    "GET /v1/audit",
    "GET /v1/events/stream",
)
"""What of it is another project's is left out."""
INFRASTRUCTURE = ("/v1/clusters/{name}", "/v1/gateways/{name}")
"""Whose PUT and DELETE are for who has all projects."""
BODIES: Mapping[str, Any] = {
    "POST /relocate": {"application": "assist"},
    "POST /v1/relocations": {"application": "assist"},
    "POST /v1/events": EVENT,
    "POST /invoke/{client}": json.loads(SENT),
    "PUT /v1/applications/{name}": APPLICATION,
    "PUT /v1/clusters/{name}": {"kind": "Cluster", "name": "mec-a", "driver": "memory"},
    "PUT /v1/gateways/{name}": {"kind": "Gateway", "name": "gw", "adapter": "memory"},
    "PUT /v1/applications/{name}/placement": {"cluster": "mec-a"},
    "PUT /v1/applications/{name}/adoption": {"cluster": "mec-a"},
}
"""What is sent where it matters."""
NAMES: Mapping[str, str] = {"applications": "assist", "clusters": "mec-a", "gateways": "gw"}
"""Of what there is, in the project `default`."""


def _needed(method: str, path: str) -> str:
    if f"{method} {path}" in NEEDS:
        return NEEDS[f"{method} {path}"]
    if method == "GET":
        return READ
    return ADMIN if path in ADMINS else WRITE


def _routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of each: those that the API's own description names, and those that it does not."""
    for path, methods in app.openapi()["paths"].items():
        yield from ((method.upper(), path) for method in methods)
    yield from (("GET", path) for path in UNDESCRIBED)


def _filled(path: str) -> str:
    """The path with something in each of its holes."""
    parts = [("page.js" if "/page/" in path else "not-found") if "{" in part else part for part in path.split("/")]
    return "/".join(parts)


@pytest.fixture
def app(make_app: Callable[..., FastAPI]) -> FastAPI:
    """The API with a token of each scope, and one that has expired."""
    return make_app(tokens=TOKENS)


def _weaker(scope: str) -> str | None:
    return {READ: None, WRITE: READ, ADMIN: WRITE}[scope]


async def test_no_route_lets_anybody_in_who_may_not(app: FastAPI) -> None:
    """401 without a token, with a wrong one and with one that has expired; 403 with one that is too weak."""
    found = list(_routes(app))
    assert len(found) > 40, found
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge.example") as client:

        async def asked(method: str, path: str, token: str | None) -> int:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            return (await client.request(method, _filled(path), headers=headers)).status_code

        for method, path in found:
            needed, where = _needed(method, path), f"{method} {path}"
            if needed == OPEN:
                assert await asked(method, path, None) < 400, where
                continue
            for token in (None, "wrong-token-of-somebody", "late-token-of-somebody"):
                assert await asked(method, path, token) == 401, (where, token)
            weaker = _weaker(needed)
            if weaker is not None:
                assert await asked(method, path, f"{weaker}-token-of-somebody") == 403, where


async def test_who_may_is_let_in(app: FastAPI) -> None:
    """The very token that is needed, on every route that does not stream: whatever it is answered, it is not for its token."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge.example") as client:
        for method, path in _routes(app):
            needed = _needed(method, path)
            if needed == OPEN or path.endswith(("/events", "/stream", "/traffic")):
                continue
            headers = {"Authorization": f"Bearer {needed}-token-of-somebody"}
            answer = await client.request(method, _filled(path), headers=headers)
            assert answer.status_code not in (401, 403, 429), (method, path, answer.text)


def _existing(path: str) -> str:
    """The path of something that there is."""
    kind = path.removeprefix("/v1/").partition("/")[0]
    names = {"{identity}": "r-1", "{client}": "migrate_workflowclient", "{name}": NAMES.get(kind, "move")}
    return "/".join(names.get(part, "proj1") if "{" in part else part for part in path.split("/"))


async def test_what_is_another_projects_is_not_there(
    app: FastAPI, catalogue: Database, dispatch: MemoryDispatch
) -> None:
    """404, as if nothing of that name were known; lists without it; and nothing was done or changed."""
    group = {"project": "proj1", "composite_app": "capp1", "composite_app_version": "v1"}
    workloads = {"emco": {**group, "deployment_intent_group": "dig1"}}
    shop = Application.model_validate({**APPLICATION, "name": "shop", "workloads": workloads})
    catalogue.catalogue.put(shop)
    catalogue.acceptance.accept("r-1", RelocationRequest(application="maps"))
    before = _everything(catalogue)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge.example") as client:
        for method, path in _routes(app):
            where = f"{method} {path}"
            if where in NOBODYS or where.endswith("/stream") or _needed(method, path) == OPEN:
                continue
            headers = {"Authorization": "Bearer other-token-of-somebody"}
            answer = await client.request(method, _existing(path), json=BODIES.get(where), headers=headers)
            if where in LISTS:
                items = answer.json() if isinstance(answer.json(), list) else answer.json()["items"]
                assert (answer.status_code, items) == (200, []), where
            elif path in INFRASTRUCTURE and method != "GET":
                assert answer.status_code == 403, (where, answer.text)
            else:
                assert answer.status_code == 404, (where, answer.text)
                assert answer.json()["type"] == "/problems/not-found", (where, answer.text)
    assert _everything(catalogue) == before
    assert (dispatch.actors, dispatch.workflows.started) == ([], {})


def _everything(database: Database) -> list[object]:
    kinds = (Application, Cluster, Gateway)
    return [database.relocations.list(), *(list(database.catalogue.list(kind)) for kind in kinds)]
