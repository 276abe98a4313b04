# SPDX-License-Identifier: Apache-2.0
"""An app behind a real listener on a free port, for streams that never end by themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from relocate.health import SideListener


@asynccontextmanager
async def listening(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    """The app's address while it listens; port 0 is a free one."""
    server = SideListener(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1, ws="none"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        if task.done():
            task.result()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        app.state.service.tail.stop()
        server.should_exit = True
        await task
