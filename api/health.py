# SPDX-License-Identifier: Apache-2.0
"""The second listener: alive, ready, metrics. It needs no token, and tells nothing about UEs."""

import asyncio

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.problems import install
from relocate.dispatch import Dispatch
from relocate.store.database import Database

PATIENCE = 2.0
"""Seconds for each question; a probe of Kubernetes waits one second by default, and may be told to wait longer."""


def create_health(database: Database, dispatch: Dispatch, registry: CollectorRegistry) -> FastAPI:
    """The app of the second listener."""
    app = FastAPI(title="Edge relocation service: health", openapi_url=None)
    install(app)

    @app.get("/livez")
    async def live() -> Response:
        return PlainTextResponse("alive\n")

    @app.get("/readyz")
    async def ready() -> Response:
        reasons = await why_not_ready(database, dispatch)
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        body = await asyncio.to_thread(generate_latest, registry)
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    return app


async def why_not_ready(database: Database, dispatch: Dispatch) -> list[str]:
    """Reasons against taking requests, in sentences; none when there are none."""
    found = await asyncio.gather(_database(database), _engine(dispatch))
    return [reason for reason in found if reason]


async def _database(database: Database) -> str:
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


async def _engine(dispatch: Dispatch) -> str:
    try:
        reachable = await asyncio.wait_for(dispatch.reachable(), PATIENCE)
    except TimeoutError:
        return f"Temporal did not answer within {PATIENCE:g} s."
    return "" if reachable else "Temporal cannot be reached."
