# SPDX-License-Identifier: Apache-2.0
"""The process `relocate gateway-control`: serves the configured Envoy gateways from the service's database.

It also keeps every placed instance's endpoints current in its routes, for as long as the instance is placed.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from relocate import logs
from relocate.endpoints import PERIOD_SECONDS, keep_current
from relocate.health import create_health, listening
from relocate.metrics.control import ControlCollector
from relocate.metrics.process import PROCESS, Together
from relocate.model.cluster import Gateway
from relocate.parts import Parts
from relocate.settings import Settings
from steering.envoy.control import ControlPlane
from steering.envoy.settings import ControlSettings

ENVOY = "envoy"
"""The kind of adapter whose gateways are served here."""

_log = structlog.get_logger(__name__)


async def run(settings: Settings, control: ControlSettings) -> None:
    """Serve until SIGTERM or SIGINT. The Envoys go on with what they have when this process is gone."""
    logs.configure("gateway-control", settings.log_level)
    parts = Parts.open(settings)
    catalogue = parts.database.catalogue

    def gateways() -> Mapping[str, Mapping[str, Any]]:
        return {found.name: found.settings for found in catalogue.list(Gateway) if found.adapter == ENVOY}

    plane = ControlPlane(control, database_url=settings.database, gateways=gateways)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.close)
        await stack.enter_async_context(_watched(settings, plane))
        serving = asyncio.create_task(plane.run())
        following = asyncio.create_task(_follow(parts))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        try:
            await serving
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


@asynccontextmanager
async def _watched(settings: Settings, plane: ControlPlane) -> AsyncIterator[None]:
    """Health and metrics while the block runs, if they are asked for."""
    if settings.control_metrics_port is None:
        yield
        return

    async def why_not_ready() -> Sequence[str]:
        return [] if plane.ready() else ["The database was not read within the last seconds; nothing is sent."]

    app = create_health(why_not_ready, Together(ControlCollector(plane), PROCESS))
    async with listening(app, settings.metrics_host, settings.control_metrics_port):
        yield


async def _follow(parts: Parts) -> None:
    """Keep endpoints current; a database that is away for a while must not end the control plane."""
    while True:
        try:
            await keep_current(parts)
        except SQLAlchemyError as error:
            _log.warning("endpoints are not followed now", reason=str(error))
            await asyncio.sleep(PERIOD_SECONDS)
