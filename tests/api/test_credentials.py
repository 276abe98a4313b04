# SPDX-License-Identifier: Apache-2.0
"""Every route, asked with no credential, a wrong one, one that has expired, and one that is too weak."""

from collections.abc import Callable, Iterator, Mapping

import httpx
import pytest
from fastapi import FastAPI

PAST, FUTURE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
SCOPES = ("read", "write", "admin")
TOKENS = [
    *({"name": scope, "token": f"{scope}-token-of-somebody", "scopes": [scope], "expires": FUTURE} for scope in SCOPES),
    {"name": "late", "token": "late-token-of-somebody", "scopes": ["admin"], "expires": PAST},
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
