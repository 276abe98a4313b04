# SPDX-License-Identifier: Apache-2.0
"""What accepting and invoking are compared with: FastAPI handlers that check the body and start a workflow. `bare_api PORT`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Request, Response
from temporalio.client import Client

from relocate.model.relocation import RelocationRequest
from relocate.settings import Settings
from relocate.temporal.connection import Connection


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    app.state.client = await Connection(Settings()).open()
    yield


app = FastAPI(lifespan=_connected)


@app.post("/start", status_code=202)
async def start(body: RelocationRequest, request: Request) -> dict[str, str]:
    """Start, and answer with the id."""
    client: Client = request.app.state.client
    identity = f"bare-{uuid4().hex}"
    await client.start_workflow("Bare", body, id=identity, task_queue="bench-accept-bare")
    return {"id": identity}


@app.post("/invoke", status_code=204, response_class=Response)
async def invoke(body: dict[str, Any], request: Request) -> Response:
    """Start what an intent of EMCO's says, and answer with nothing."""
    client: Client = request.app.state.client
    options = body["workflowStartOptions"]
    queue = options["TaskQueue"]
    await client.start_workflow("EmcoMigrateWorkflow", body["workflowParams"], id=options["ID"], task_queue=queue)
    return Response(status_code=204)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False, ws="none")
