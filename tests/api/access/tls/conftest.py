# SPDX-License-Identifier: Apache-2.0
"""Callers of two authorities, and the API that knows one of them, over real TLS on loopback."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from fastapi import FastAPI

from relocate.settings import Settings
from tests.api.access.tls.authority import HERE, SERVER, Authority, Pair
from tests.api.access.tls.served import Loops, served

TOKEN = "t" * 20
ENGINE = "engine.example"
ROBOT = "spiffe://example/ns/mec/sa/robot"
KNOWN: dict[str, Any] = {
    "tokens": [{"name": "operator", "token": TOKEN, "scopes": ["admin"]}],
    "client_certificates": [{"name": ENGINE, "scopes": ["write"]}, {"name": ROBOT, "scopes": ["read"]}],
}
"""Who may what."""


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    """Signs the API's certificate."""
    return Authority(tmp_path, "ours")


@pytest.fixture
def callers(tmp_path: Path) -> Authority:
    """Signs those of callers."""
    return Authority(tmp_path, "callers")


@pytest.fixture
def strangers(tmp_path: Path) -> Authority:
    """Signs, and nobody trusts it here."""
    return Authority(tmp_path, "strangers")


@pytest.fixture
def own(ours: Authority) -> Pair:
    """The API's certificate."""
    return ours.issue(*HERE, uses=SERVER)


@pytest.fixture
def tls(own: Pair, callers: Authority) -> dict[str, Any]:
    """The API's settings of TLS."""
    return {"tls_certificate": own.certificate, "tls_key": own.key, "tls_client_ca": callers.file}


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loops(request: pytest.FixtureRequest) -> Loops:
    """Python's event loop, and the one that the process has."""
    made: Loops = request.param
    return made


@pytest.fixture
def port(make_app: Callable[..., FastAPI], tls: dict[str, Any], loops: Loops) -> Iterator[int]:
    """Where the API listens."""
    app = make_app(**tls, **KNOWN)
    settings = Settings.model_validate({**tls, **KNOWN})
    with served(app, settings, loops, stop=app.state.service.tail.stop) as found:
        yield found


Ask = Callable[..., httpx.Client]


@pytest.fixture
def ask(port: int, ours: Authority) -> Ask:
    """A client that shows a certificate, or none."""

    def ask(shown: Pair | None = None, **more: Any) -> httpx.Client:
        address = f"https://127.0.0.1:{port}"
        return httpx.Client(base_url=address, verify=ours.context(shown), timeout=10, trust_env=False, **more)

    return ask
