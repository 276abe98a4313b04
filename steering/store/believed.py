# SPDX-License-Identifier: Apache-2.0
"""Where one gateway's routes believe instances to be. A document is read again only in another version."""

import threading

from steering.model import Endpoint, Endpoints
from steering.store.routes import RouteStore, StoredRoute


class Believed:
    """Of one gateway. Blocking; threads take turns."""

    def __init__(self, routes: RouteStore, gateway: str) -> None:
        """Args: routes: the documents; gateway: its configured name."""
        self._routes = routes
        self._gateway = gateway
        self._stored: dict[str, StoredRoute] = {}
        self._turn = threading.Lock()

    def of(self, instance: str) -> Endpoints:
        """Where an instance is, for the ports of the routes that name it; empty if none does."""
        with self._turn:
            self._read_changed()
            known: dict[str, tuple[Endpoint, ...]] = {}
            for stored in self._stored.values():
                for backend in stored.document.backends if stored.document else ():
                    if backend.instance == instance:
                        known |= backend.endpoints
        moved = self._routes.moved_endpoints().get(instance, {}) if known else {}
        return known | {port: found for port, found in moved.items() if port in known}

    def _read_changed(self) -> None:
        versions = {route: version for (at, route), version in self._routes.versions().items() if at == self._gateway}
        stale = [route for route, version in versions.items() if self._version(route) != version]
        kept = {route: stored for route, stored in self._stored.items() if route in versions}
        self._stored = kept | dict(self._routes.some(self._gateway, stale))

    def _version(self, route: str) -> int | None:
        known = self._stored.get(route)
        return None if known is None else known.version
