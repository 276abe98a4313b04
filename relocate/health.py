# SPDX-License-Identifier: Apache-2.0
"""A process's listener for whoever watches over it: `/livez`, `/readyz`, `/metrics`. No token, and nothing about UEs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from relocate.store.database import Database

_log = structlog.get_logger(__name__)

PATIENCE = 2.0
"""Seconds for each question; a probe of Kubernetes waits one second by default, and may be told to wait longer."""

GRACE = 1
"""Seconds that open requests get at the end."""

WhyNotReady = Callable[[], Awaitable[Sequence[str]]]
"""Reasons against relying on this process now, in sentences; none when there are none."""


def create_health(why_not_ready: WhyNotReady, metrics: Collector) -> Starlette:
    """The app of that listener."""

    async def live(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def ready(_: Request) -> Response:
        reasons = list(await why_not_ready())
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def scrape(_: Request) -> Response:
        body = await asyncio.to_thread(generate_latest, metrics)
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/livez", live), Route("/readyz", ready), Route("/metrics", scrape)])


async def why_no_database(database: Database) -> str:
    """Why the database cannot be asked now, or nothing."""

    def ask() -> None:
        with database.engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM relocations LIMIT 1"))

    try:
        await asyncio.wait_for(asyncio.to_thread(ask), PATIENCE)
    except TimeoutError:
        return f"The database did not answer within {PATIENCE:g} s."
    except SQLAlchemyError as error:
        return f"The database cannot be asked: {str(error).splitlines()[0][:200]}"
    return ""


async def why_no_engine(reachable: Awaitable[bool]) -> str:
    """Why Temporal cannot be asked now, or nothing."""
    try:
        answers = await asyncio.wait_for(reachable, PATIENCE)
    except TimeoutError:
        return f"Temporal did not answer within {PATIENCE:g} s."
    return "" if answers else "Temporal cannot be reached."


class SideListener(uvicorn.Server):
    """A listener beside something else, which alone hears signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the other one."""
        yield


@asynccontextmanager
async def listening(app: ASGIApp, host: str, port: int) -> AsyncIterator[int]:
    """Listen while the block runs; the port, where 0 takes a free one.

    Raises:
        OSError: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as bound:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE, ws="none"
        )
        server = SideListener(config)
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        found = int(bound.getsockname()[1])
        _log.info("health and metrics listen", address=f"{host}:{found}")
        try:
            yield found
        finally:
            server.should_exit = True
            await serving
