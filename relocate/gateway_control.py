# SPDX-License-Identifier: Apache-2.0
"""The process `relocate gateway-control`: serves the configured Envoy gateways from the service's database.

It also keeps every placed instance's endpoints current in its routes, for as long as the instance is placed.
"""

import asyncio
import signal
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from relocate.endpoints import PERIOD_SECONDS, keep_current
from relocate.model.cluster import Gateway
from relocate.parts import Parts
from relocate.settings import Settings
from steering.envoy.control import serve
from steering.envoy.settings import ControlSettings

ENVOY = "envoy"
"""The kind of adapter whose gateways are served here."""

_log = structlog.get_logger(__name__)


async def run(settings: Settings, control: ControlSettings) -> None:
    """Serve until SIGTERM or SIGINT. The Envoys go on with what they have when this process is gone."""
    parts = Parts.open(settings)
    catalogue = parts.database.catalogue

    def gateways() -> Mapping[str, Mapping[str, Any]]:
        return {found.name: found.settings for found in catalogue.list(Gateway) if found.adapter == ENVOY}

    serving = asyncio.create_task(serve(control, database_url=settings.database_url, gateways=gateways))
    following = asyncio.create_task(_follow(parts))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    try:
        await serving
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await parts.close()


async def _follow(parts: Parts) -> None:
    """Keep endpoints current; a database that is away for a while must not end the control plane."""
    while True:
        try:
            await keep_current(parts)
        except SQLAlchemyError as error:
            _log.warning("endpoints are not followed now", reason=str(error))
            await asyncio.sleep(PERIOD_SECONDS)
