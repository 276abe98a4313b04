# SPDX-License-Identifier: Apache-2.0
"""An app behind a real listener on a free port, for streams that never end by themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    """The app's address while it listens."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1, ws="none"))
    server.capture_signals = _no_signals  # type: ignore[method-assign]
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


class _no_signals:  # noqa: N801 - it stands for a function
    def __enter__(self) -> None:
        """Signals stay with pytest."""

    def __exit__(self, *_: object) -> None:
        """Nothing was taken."""
