# SPDX-License-Identifier: Apache-2.0
"""The routes of EMCO alone, open: workflowmgr has no credential to send. Off by default, and only for inside a cluster."""

from fastapi import Depends, FastAPI
from starlette.types import Scope

from api import problems
from api.access.principal import Principal
from api.access.projects import within_reach
from api.emco import intents, invoke
from api.guard import Guard
from api.metrics import RequestFigures, RequestMeter
from api.problems import RequestRefused
from api.service import Service

EMCO = Principal("EMCO", "nothing")
"""Who asks, for whoever reads the log: nobody else is known."""


class OpenGuard(Guard):
    """Asks nobody for a token. Pages do not get in: a browser inside the cluster is not its visitor's to command."""

    async def _principal(self, scope: Scope) -> Principal:
        if any(name == b"origin" for name, _ in scope["headers"]):
            raise RequestRefused("wrong-host", "a page may not ask here")
        return EMCO


def create_open_app(service: Service, figures: RequestFigures) -> FastAPI:
    """The app of the open listener.

    Args:
        service: of the API that it stands beside.
        figures: where requests are counted, as that API's own.
    """
    app = FastAPI(title="Edge relocation service, for EMCO", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.service = service
    problems.install(app)
    app.add_middleware(OpenGuard, settings=service.settings, recorder=service.recorder)
    app.add_middleware(RequestMeter, figures=figures)
    for module in (invoke, intents):
        app.include_router(module.router, dependencies=[Depends(within_reach)])
    return app
