# SPDX-License-Identifier: Apache-2.0
"""One API process: two listeners, the real parts behind them, and a quick, orderly end."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp

from api.app import create_app
from api.emco.listener import create_open_app
from api.guard import is_loopback
from api.health import create_health
from api.tls import Certified, Files, Fresh
from relocate import configuration, logs
from relocate.errors import InvalidRequest
from relocate.health import SideListener
from relocate.metrics.process import PROCESS, Together
from relocate.metrics.temporal import TemporalMetrics, measuring
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.tracing import traced

GRACE = 3
"""Seconds that open requests get at the end. Streams are told to end at once."""
KEEP_ALIVE = 120
"""Seconds for which an idle connection stays open. workflowmgr uses one again after up to 90 (Go's default), and does not try
again when it finds it closed."""

_log = structlog.get_logger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        InvalidRequest: the settings or the configuration file make no sense; nothing listens.
        EngineUnavailable: Temporal cannot be reached at all.
    """
    check_address(settings)
    secured(settings)
    logs.configure("api", settings.log_level)
    uvloop.run(_serve(settings))


def check_address(settings: Settings) -> None:
    """Refuse to be open to the network without knowing who asks.

    Raises:
        InvalidRequest: the API would listen off loopback, and nobody has anything to show.
    """
    if settings.secured or is_loopback(settings.api_host):
        return
    raise InvalidRequest(
        f"api_host: {settings.api_host} can be reached from elsewhere, and no token is configured; "
        "set RELOCATE_TOKENS, RELOCATE_JWT or RELOCATE_CLIENT_CERTIFICATES, or listen on 127.0.0.1",
        field="api_host",
    )


def secured(settings: Settings) -> dict[str, Any]:
    """What uvicorn has to be told so that the API speaks TLS, if it shall.

    Raises:
        InvalidRequest: with the name of the setting whose file cannot be used.
    """
    files = Files.of(settings)
    if files is None:
        return {}
    context = Fresh(files)
    return {"http": Certified, "ssl_context_factory": lambda *_: context}


async def _serve(settings: Settings) -> None:
    # Here, so that the app itself can be used and tested without Temporal.
    from relocate.store.migrate import prepare  # noqa: PLC0415
    from relocate.temporal.dispatch import TemporalDispatch  # noqa: PLC0415

    await asyncio.to_thread(prepare, settings.database)
    database = Database.open(settings.database)
    try:
        await configure(settings, database)
        measured = TemporalMetrics()
        with traced("api", wanted=settings.tracing) as interceptors:
            async with (
                measuring(measured, logs.of_temporal()) as runtime,
                TemporalDispatch.open(settings, database, runtime, interceptors) as dispatch,
            ):
                app = create_app(settings, database, dispatch)
                health = create_health(database, dispatch, Together(app.state.registry, measured, PROCESS))
                await listen(settings, app, health)
    finally:
        database.close()


async def configure(settings: Settings, database: Database) -> None:
    """Keep what the configuration file says. Raises InvalidRequest, and then nothing is kept."""
    if settings.config is None:
        return
    documents = configuration.load(settings.config)
    for sentence in await configuration.apply(database, documents, database_url=settings.database):
        _log.info("configured", entry=sentence)


async def listen(settings: Settings, app: FastAPI, health: ASGIApp) -> None:
    """Run every listener until the process is told to end, or one of them fails. Raises InvalidRequest, as `secured`."""
    front = Listener(_config(app, settings.api_host, settings.api_port, **secured(settings)), app)
    sides = {"health": SideListener(_config(health, settings.metrics_host, settings.metrics_port))}
    if settings.emco_port is not None:
        opened = create_open_app(app.state.service, app.state.request_figures)
        sides["emco"] = SideListener(_config(opened, settings.emco_host, settings.emco_port))

    async def run_side(side: SideListener) -> None:
        await side.serve()
        front.should_exit = True

    async def run_front() -> None:
        try:
            await front.serve()
        finally:
            for side in sides.values():
                side.should_exit = True

    where = {name: f"{side.config.host}:{side.config.port}" for name, side in sides.items()}
    scheme = "https" if front.config.is_ssl else "http"
    _log.info("listening", api=f"{scheme}://{settings.api_host}:{settings.api_port}", **where)
    await asyncio.gather(run_front(), *(run_side(side) for side in sides.values()))


class Listener(uvicorn.Server):
    """The API's listener: when told to end it ends its streams first, for they would never end by themselves."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        """Args: config: of the listener; app: whose streams are ended."""
        super().__init__(config)
        self._app = app

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end this listener.

        uvicorn would raise them again afterwards, and so kill the process before it has closed what it opened.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end, number)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _end(self, number: int) -> None:
        self._app.state.service.tail.stop()
        self.handle_exit(number, None)


def _config(app: ASGIApp, host: str, port: int, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=KEEP_ALIVE,
        ws="none",
        **more,
    )
