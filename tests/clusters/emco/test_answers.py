# SPDX-License-Identifier: Apache-2.0
"""An EMCO that answers with errors, pages, nonsense, or not at all: the cluster is unavailable, and the reason says why."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from relocate.clusters.contract import InstanceState
from relocate.clusters.emco import EmcoDriver
from relocate.demo.processes import free_ports
from relocate.errors import ClusterUnavailable, InvalidRequest
from steering.model import Fence
from tests.clusters.emco.world import ENDPOINT, World, listening, reaches, workload

FENCE = Fence(lease=1, sequence=1)


async def _hangs(_: Request) -> Response:
    await asyncio.sleep(30)
    return PlainTextResponse("late")


async def _trickles(_: Request) -> Response:
    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    return StreamingResponse(drops())


async def _is_huge(_: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1024 * 1024

    return StreamingResponse(chunks())


ODD: dict[str, tuple[Callable[[Request], object], str]] = {
    "an error": (
        lambda _: PlainTextResponse("db Find error: no servers\n", 500),
        "answered 500: db Find error: no servers",
    ),
    "a page": (lambda _: HTMLResponse("<h1>Sign in</h1>"), "is no EMCO: GET .* answered 200 with a page"),
    "a proxy's page": (lambda _: HTMLResponse("<h1>Bad gateway</h1>", 502), "is no EMCO"),
    "no JSON": (lambda _: PlainTextResponse("not json"), "its answer is no JSON"),
    "a list": (lambda _: JSONResponse([1, 2]), "in another shape"),
    "another shape": (lambda _: JSONResponse({"states": {"actions": "many"}}), "in another shape"),
    "a redirection": (lambda _: RedirectResponse("http://127.0.0.1:1/"), "answered 307"),
    "a refusal": (lambda _: PlainTextResponse("Unauthorized", 401), r"does not let us in \(401\)"),
    "nothing": (_hangs, "gave no answer within 0.5 s"),
    "drops": (_trickles, "gave no answer within 0.5 s"),
    "a flood": (_is_huge, "answers with more than"),
}


@asynccontextmanager
async def _answering(handler: Callable[[Request], object]) -> AsyncIterator[str]:
    port = free_ports(1)[0]

    async def answer(request: Request) -> Response:
        given = handler(request)
        return await given if asyncio.iscoroutine(given) else given  # type: ignore[no-any-return]

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "PUT", "POST"])])
    async with listening(app, port):
        yield f"http://127.0.0.1:{port}"


def _driver(address: str, database_url: str, **more: object) -> EmcoDriver:
    said: dict[str, object] = {"url": address, "provider": "edge", "cluster": "b", "timeout_seconds": 0.5}
    return EmcoDriver.open(
        "mec-b", said | {"endpoints": {"shop": {"http": [ENDPOINT]}}} | more, database_url=database_url
    )


@pytest.mark.parametrize("what", ODD)
async def test_an_odd_answer_is_an_unavailable_cluster(database_url: str, what: str) -> None:
    """With EMCO's address and its own words, cut; nothing is started, and nothing hangs."""
    handler, why = ODD[what]
    async with _answering(handler) as url:
        driver = _driver(url, database_url)
        for ask in (lambda: driver.deploy(workload(), FENCE), lambda: driver.plan(workload())):
            with pytest.raises(ClusterUnavailable, match=why):
                await ask()
        assert await driver.gone("shop", "shop-1") is True
        await driver.close()


async def test_an_emco_that_is_not_there_is_an_unavailable_cluster(emco: World) -> None:
    """Also for what was deployed while it was there; whether that is gone is unknown."""
    await emco.begin()
    driver = emco.driver(emco.b)
    await driver.deploy(workload(), FENCE)
    await reaches(driver, InstanceState.RUNNING)
    gone = emco.driver(emco.b, url=f"http://127.0.0.1:{free_ports(1)[0]}")
    for ask in (
        lambda: gone.observe("shop", "shop-1"),
        lambda: gone.plan(workload("shop-2")),
        lambda: gone.remove("shop", "shop-1", FENCE),
    ):
        with pytest.raises(ClusterUnavailable, match=f"{emco.b}: EMCO at http://127.0.0.1:[0-9]+ cannot be asked"):
            await ask()
    await driver.remove("shop", "shop-1", FENCE)
    assert await gone.gone("shop", "shop-1") is None


async def test_the_token_is_read_for_each_request_and_shown_to_nobody(database_url: str, tmp_path: Path) -> None:
    """It may be renewed at any time; no error holds it."""
    seen, file = [], tmp_path / "token"

    def note(request: Request) -> Response:
        seen.append(request.headers.get("authorization"))
        return PlainTextResponse("go away", 403)

    async with _answering(note) as url:
        driver = _driver(url, database_url, token_file=str(file))
        with pytest.raises(ClusterUnavailable, match=r"settings.token_file: .*No such file"):
            await driver.plan(workload())
        for token in ("first-secret", "second-secret"):
            file.write_text(f"{token}\n")
            with pytest.raises(ClusterUnavailable) as error:
                await driver.plan(workload())
            assert "secret" not in str(error.value)
        await driver.close()
    assert seen == ["Bearer first-secret", "Bearer second-secret"]


SENSELESS = [
    ({"url": "ftp://emco"}, "settings.url"),
    ({"url": "http://user:secret@emco"}, "settings.url"),
    ({"provider": ""}, "settings.provider"),
    ({"timeout_seconds": 0}, "settings.timeout_seconds"),
    ({"ca_file": "/nowhere/ca.pem"}, "settings.ca_file"),
    ({"companion": {"driver": "nothing"}}, "settings.companion.driver"),
    ({"companion": {"driver": "emco"}}, "settings"),
    (
        {"companion": {"driver": "external", "settings": {"endpoints": {"a": {"b": [ENDPOINT]}}}}},
        "settings.companion.driver",
    ),
    ({"companion": {"driver": "process", "settings": {"url": "nowhere"}}}, "settings.companion.settings.url"),
    ({"clusters": "b"}, "settings.clusters"),
]


@pytest.mark.parametrize(("said", "field"), SENSELESS, ids=[str(said) for said, _ in SENSELESS])
async def test_settings_that_make_no_sense_are_told_by_their_field(
    database_url: str, said: dict[str, object], field: str
) -> None:
    """Before anything is asked."""
    with pytest.raises(InvalidRequest) as error:
        _driver("http://127.0.0.1:1", database_url, **said)
    assert error.value.field == field
