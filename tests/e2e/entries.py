# SPDX-License-Identifier: Apache-2.0
"""Gateways through which users reach an application: our own Envoys, and implementations of the Gateway API."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from relocate.demo import site
from relocate.demo.system import System
from relocate.model.cluster import Gateway
from steering.model import Endpoint
from tests.gateway_api.contour import ContourSite
from tests.gateway_api.hub import Hub
from tests.gateway_api.site import Site
from tests.gateway_api.traefik import TraefikSite

SITES: Mapping[str, type[Site]] = {"traefik": TraefikSite, "contour": ContourSite}
UNCOUNTED = {"drain": {"window_seconds": 0.4, "deadline_seconds": 3, "at_deadline": "force"}}
"""Where a gateway does not count what is open, nobody can be seen to have gone: after this time they are taken to have."""


@dataclass(frozen=True)
class Entry:
    """One gateway, as users and the service know it."""

    name: str
    listeners: Mapping[str, Endpoint]
    """By gateway instance."""
    policy: Mapping[str, Any] = field(default_factory=dict)
    """What an application that is reached here says besides."""
    site: Site | None = None
    """Of an implementation of the Gateway API."""


def envoys(system: System) -> Entry:
    """Those that the service itself controls."""
    listeners = {name: Endpoint(host="127.0.0.1", port=port) for name, port in system.ports.listeners.items()}
    return Entry(site.GATEWAY, listeners)


@asynccontextmanager
async def through(implementation: str, hub: Hub, system: System) -> AsyncIterator[Entry]:
    """Two replicas of an implementation, and the service told of them."""
    domain = site.host_of("*").partition(".")[2]
    made = SITES[implementation](hub, domain=domain, certificates=system.certificates)
    try:
        await asyncio.to_thread(made.start)
        await system.describe_gateway(Gateway(name=made.name, adapter="gateway_api", settings=made.settings))
        listeners = {name: Endpoint(host=host, port=made.port) for name, host in made.addresses.items()}
        yield Entry(made.name, listeners, UNCOUNTED if implementation == "traefik" else {}, made)
    finally:
        await asyncio.to_thread(made.stop)
