# SPDX-License-Identifier: Apache-2.0
"""Who may ask what, and from where."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from api.guard import is_loopback, scope_for
from api.server import check_address
from relocate.errors import InvalidRequest
from relocate.settings import Settings

TOKENS = [
    {"name": "screen", "token": "r" * 20, "scopes": ["read"]},
    {"name": "engine", "token": "w" * 20, "scopes": ["write"]},
    {"name": "operator", "token": "a" * 20, "scopes": ["admin"]},
]
CLUSTER = {"name": "mec-c", "driver": "memory"}


def _asker(app: FastAPI, token: str | None = None, host: str = "edge.example") -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}", headers=headers)


@pytest.mark.parametrize(
    ("letter", "reads", "writes", "configures"), [("r", 200, 403, 403), ("w", 200, 202, 403), ("a", 200, 202, 201)]
)
async def test_scopes_include_the_ones_before(
    make_app: Callable[..., FastAPI], letter: str, reads: int, writes: int, configures: int
) -> None:
    """Who may write may read, and an admin may do both."""
    async with _asker(make_app(tokens=TOKENS), letter * 20) as client:
        assert (await client.get("/v1/relocations")).status_code == reads
        assert (await client.post("/relocate", json={"application": "assist"})).status_code == writes
        assert (await client.put("/v1/clusters/mec-c", json=CLUSTER)).status_code == configures


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer wrong", "Basic " + "r" * 20, "Bearer " + "r" * 19, "Bearer \u00e9"]
)
async def test_without_a_known_token_data_is_closed(make_app: Callable[..., FastAPI], header: str | None) -> None:
    """401 says what to send; the page itself is open, for it holds no data."""
    headers = {b"Authorization": header.encode()} if header else {}
    async with _asker(make_app(tokens=TOKENS)) as client:
        closed = await client.get("/v1/relocations", headers=headers)
        assert (closed.status_code, closed.headers["www-authenticate"]) == (401, "Bearer")
        assert closed.json()["type"] == "/problems/unauthorized"
        assert [(await client.get(path)).status_code for path in ("/", "/page/page.js", "/page/page.css")] == [200] * 3
        assert (await client.get("/openapi.json")).status_code == 401


async def test_caller_is_known_by_the_tokens_name(make_app: Callable[..., FastAPI], dispatch) -> None:
    """The record says who asked."""
    async with _asker(make_app(tokens=TOKENS), "w" * 20) as client:
        await client.post("/relocate", json={"application": "assist", "reason": "nearer"})
    assert (dispatch.actors[0].who, dispatch.actors[0].why) == ("engine", "nearer")


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost:8070", None, 200),
        ("127.0.0.1:8070", "http://127.0.0.1:8070", 200),
        ("[::1]:8070", None, 200),
        ("demo.localhost", None, 200),
        ("evil.example", None, 403),
        ("evil.example:8070", "http://evil.example:8070", 403),
        ("localhost.evil.example", None, 403),
        ("127.0.0.1.evil.example", None, 403),
        ("localhost:8070", "http://evil.example", 403),
        ("localhost:8070", "null", 403),
        ("[", None, 403),
    ],
)
async def test_foreign_pages_cannot_reach_an_open_service(
    app: FastAPI, host: str, origin: str | None, status: int
) -> None:
    """Without tokens, Host must be this machine's and Origin must be the same (DNS rebinding)."""
    async with _asker(app, host="localhost") as client:
        headers = {"Host": host, **({"Origin": origin} if origin else {})}
        assert (await client.get("/v1/relocations", headers=headers)).status_code == status


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "edge.example", ""])
def test_open_service_refuses_to_listen_elsewhere(host: str) -> None:
    """Off loopback tokens are needed; the message says how."""
    with pytest.raises(InvalidRequest, match=r"api_host: .*RELOCATE_TOKENS"):
        check_address(Settings(api_host=host))
    check_address(Settings.model_validate({"api_host": host, "tokens": TOKENS}))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_loopback_is_open(host: str) -> None:
    """Nobody but this machine reaches it."""
    assert is_loopback(host)
    check_address(Settings(api_host=host))


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/", None),
        ("GET", "/page/chart.js", None),
        ("GET", "/problems/not-found", None),
        ("POST", "/", "write"),
        ("GET", "/v1/events/stream", "read"),
        ("GET", "/some/new/route", "read"),
        ("POST", "/some/new/route", "write"),
        ("PUT", "/v1/gateways/gw", "admin"),
        ("DELETE", "/v1/applications/assist", "admin"),
        ("PUT", "/v1/applications/assist/placement", "write"),
    ],
)
def test_what_nobody_thought_of_needs_a_token(method: str, path: str, scope: str | None) -> None:
    """Only the page and the explanations are public."""
    assert scope_for(method, path) == scope


async def test_answers_forbid_foreign_programs(client: httpx.AsyncClient) -> None:
    """The page may run its own programs only, and no other page may frame it."""
    policy = (await client.get("/")).headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
