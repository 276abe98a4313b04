# SPDX-License-Identifier: Apache-2.0
"""The process `relocate gateway-control`: serves the configured Envoy gateways from the service's database."""

import asyncio
import signal
from collections.abc import Mapping
from typing import Any

from relocate.model.cluster import Gateway
from relocate.settings import Settings
from relocate.store.catalogue import Catalogue
from steering.envoy.control import serve
from steering.envoy.settings import ControlSettings
from steering.store.engine import engine as make_engine

ENVOY = "envoy"
"""The kind of adapter whose gateways are served here."""


async def run(settings: Settings, control: ControlSettings) -> None:
    """Serve until SIGTERM or SIGINT. The Envoys go on with what they have when this process is gone."""
    catalogue = Catalogue(make_engine(settings.database_url))

    def gateways() -> Mapping[str, Mapping[str, Any]]:
        return {found.name: found.settings for found in catalogue.list(Gateway) if found.adapter == ENVOY}

    serving = asyncio.create_task(serve(control, database_url=settings.database_url, gateways=gateways))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    await asyncio.gather(serving, return_exceptions=False)
