# SPDX-License-Identifier: Apache-2.0
"""How often one caller may ask."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from api import limiting
from api.limiting import Rates

TOKENS = [{"name": name, "token": letter * 20, "scopes": ["read"]} for name, letter in (("one", "o"), ("other", "x"))]


class Clock:
    """Seconds, as the test has them."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Now."""
        return self.now


def test_so_many_at_once_and_then_in_the_mean() -> None:
    """Who waits as long as it is told may ask; a refused request costs nothing."""
    clock = Clock()
    rates = Rates(2, 3, clock)
    assert [rates.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert rates.wait("a") == 0.5
    clock.now += 0.5
    assert [rates.wait("a"), rates.wait("a")] == [0, 0.5]
    clock.now += 60
    assert [rates.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_each_caller_has_its_own() -> None:
    """One that asks too often takes nothing from another."""
    rates = Rates(1, 1, Clock())
    assert [rates.wait("a"), rates.wait("a"), rates.wait("b")] == [0, 1, 0]


def test_callers_are_forgotten_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many addresses ask, memory stays as it is."""
    monkeypatch.setattr(limiting, "MOST", 2)
    rates = Rates(1, 1, Clock())
    for caller in ("a", "b", "a", "c"):
        rates.wait(caller)
    assert (rates.wait("a"), rates.wait("b")) == (1, 0)


async def test_beyond_its_rate_a_caller_is_told_when_to_come_back(make_app: Callable[..., FastAPI]) -> None:
    """By its token; another one's is not touched."""
    app = make_app(tokens=TOKENS, requests_per_second=0.1, requests_at_once=2)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge.example") as client:
        mine, theirs = ({"Authorization": f"Bearer {letter * 20}"} for letter in "ox")
        seen = [await client.get("/v1/relocations", headers=mine) for _ in range(3)]
        assert [answer.status_code for answer in seen] == [200, 200, 429]
        assert (seen[-1].headers["retry-after"], seen[-1].json()["type"]) == ("10", "/problems/too-many-requests")
        assert (await client.get("/v1/relocations", headers=theirs)).status_code == 200


async def test_who_guesses_tokens_is_slowed_down(make_app: Callable[..., FastAPI]) -> None:
    """Attempts that are not let in count by their address, and nobody who is let in counts with them."""
    app = make_app(tokens=TOKENS, requests_per_second=0.1, requests_at_once=2)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge.example") as client:
        guesses = [{"Authorization": f"Bearer guess-{number}-of-many"} for number in range(3)]
        seen = [(await client.get("/v1/relocations", headers=guess)).status_code for guess in guesses]
        assert seen == [401, 401, 429]
        mine = {"Authorization": f"Bearer {'o' * 20}"}
        assert (await client.get("/v1/relocations", headers=mine)).status_code == 200


async def test_without_a_rate_nobody_is_stopped(client: httpx.AsyncClient) -> None:
    """It is off unless it is asked for."""
    assert {(await client.get("/v1/relocations")).status_code for _ in range(150)} == {200}
