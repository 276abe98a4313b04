# SPDX-License-Identifier: Apache-2.0
"""The API as one FastAPI app. What it needs is given to it; `server` builds the real parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from prometheus_client import CollectorRegistry

from api import adoption, catalogue, evidence, page, problems, relocations, streams, traffic, ue_events, watched
from api.access import record
from api.access.audit import Recorder
from api.access.projects import within_reach
from api.emco import intents, invoke
from api.event_tail import EventTail
from api.guard import Guard
from api.metrics import RelocationCollector, RequestFigures, RequestMeter, invocations, ue_events as count_ue_events
from api.service import Service
from api.sweeper import sweep
from relocate.attestation import Signer
from relocate.dispatch import Dispatch
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.figures import Figures

_PROBLEM = {"description": "A problem (RFC 9457).", "content": {problems.MEDIA_TYPE: {"schema": {}}}}


def create_app(settings: Settings, database: Database, dispatch: Dispatch) -> FastAPI:
    """The app; `app.state.registry` holds its metrics (`request_figures` those of requests), `app.state.service` its parts.

    Raises:
        InvalidRequest: the signing key cannot be read.
    """
    registry = CollectorRegistry()
    registry.register(RelocationCollector(Figures(database.engine)))
    app = FastAPI(
        title="Edge relocation service",
        version=version("edge-relocation"),
        summary="Moves an edge application from one cluster to another, and proves that no request was lost.",
        docs_url=None,  # both pages load their programs from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
        # Requests are counted by `RequestMeter`; of traces, one span for each request is enough.
        telemetry={"metrics": False, "logs": False, "operation_spans": False, "auto_configure": False},
        responses={
            "4XX": {**_PROBLEM, "model": problems.Problem},
            "5XX": {**_PROBLEM, "model": problems.Problem},
        },
    )
    signer = Signer.of(settings.signing_key)
    app.state.service = Service(
        settings,
        database,
        dispatch,
        EventTail(database),
        signer,
        ue_events=count_ue_events(registry),
        invocations=invocations(registry, settings.known_workflow_clients),
        recorder=Recorder(database.audit),
    )
    app.state.registry = registry
    app.state.request_figures = RequestFigures(registry)
    problems.install(app)
    app.add_middleware(Guard, settings=settings, recorder=app.state.service.recorder)
    app.add_middleware(RequestMeter, figures=app.state.request_figures)
    # The guard checks tokens before anything else happens; this only tells OpenAPI's readers that there are some.
    bearer = Depends(HTTPBearer(auto_error=False, description="Needed when the service has tokens configured."))
    # A request is held against one route after the other: those that come most often are first.
    for module in (
        relocations,
        invoke,
        evidence,
        watched,
        streams,
        ue_events,
        catalogue,
        adoption,
        traffic,
        intents,
        record,
    ):
        app.include_router(module.router, dependencies=[bearer, Depends(within_reach)])
    app.include_router(page.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    sweeper = asyncio.create_task(sweep(service.dispatch))
    try:
        yield
    finally:
        service.tail.stop()
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper
