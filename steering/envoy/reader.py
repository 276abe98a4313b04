# SPDX-License-Identifier: Apache-2.0
"""Reads the routes from the database and keeps one plan per gateway."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from steering.envoy.clusters import Moved
from steering.envoy.plan import GatewayPlan, plan_gateway
from steering.envoy.settings import GatewaySettings
from steering.store.routes import RouteStore, StoredRoute
from steering.store.tables import utc_now

_LOG = logging.getLogger(__name__)

Gateways = Callable[[], Mapping[str, Mapping[str, Any]]]
"""The Envoy gateways' settings by name, as configured now; called in a thread about once a second. Raising means that
they could not be read: nothing is sent then."""


class _Gateway:
    """One gateway as last read, and its plan."""

    def __init__(self) -> None:
        self.raw: Mapping[str, Any] | None = None
        self.settings: GatewaySettings | None = None
        self.routes: Mapping[str, StoredRoute] = {}
        self.moved: Moved = {}
        self.expiry: datetime | None = None
        self.plan: GatewayPlan | None = None


class Reader:
    """Reads the database and keeps one plan per gateway. Blocking; one thread at a time."""

    def __init__(self, routes: RouteStore, gateways: Gateways, *, now: Callable[[], datetime] = utc_now) -> None:
        """Args: routes: the documents; gateways: settings by gateway; now: the clock that probe paths expire by."""
        self._routes = routes
        self._configured = gateways
        self._now = now
        self._known: dict[str, _Gateway] = {}

    def read(self) -> frozenset[str]:
        """Look at the database; returns the gateways whose plan changed.

        Raises:
            SQLAlchemyError: it cannot be read; all plans stay as they were.
        """
        configured = self._configured()
        versions = self._routes.versions()
        moved = self._routes.moved_endpoints()
        changed = set()
        for name, raw in configured.items():
            gateway = self._known.setdefault(name, _Gateway())
            if self._refresh(name, gateway, raw, versions, moved):
                changed.add(name)
        for name in self._known.keys() - configured.keys():
            _LOG.warning("gateway %s is not configured any more: its instances keep what they have", name)
            del self._known[name]
        return frozenset(changed)

    def plan(self, gateway: str) -> GatewayPlan | None:
        """The gateway's plan as last read."""
        known = self._known.get(gateway)
        return None if known is None else known.plan

    def plans(self) -> Mapping[str, GatewayPlan]:
        """Every gateway's plan as last read."""
        return {name: known.plan for name, known in list(self._known.items()) if known.plan is not None}

    def _refresh(
        self,
        name: str,
        gateway: _Gateway,
        raw: Mapping[str, Any],
        versions: Mapping[tuple[str, str], int],
        moved: Moved,
    ) -> bool:
        now = self._now()
        wanted = {route: version for (owner, route), version in versions.items() if owner == name}
        known = {route: stored.version for route, stored in gateway.routes.items()}
        expired = gateway.expiry is not None and gateway.expiry <= now
        if (
            gateway.plan is not None
            and raw == gateway.raw
            and wanted == known
            and moved == gateway.moved
            and not expired
        ):
            return False
        if raw != gateway.raw:
            gateway.settings = _settings(name, raw) or gateway.settings
        if gateway.settings is None:
            return False
        changed = [route for route, version in wanted.items() if known.get(route) != version]
        kept = {route: gateway.routes[route] for route in wanted.keys() - changed}
        gateway.routes = {**kept, **self._routes.some(name, changed)}
        if gateway.plan is not None:
            _tell(name, gateway.routes, changed)
        gateway.raw, gateway.moved = raw, moved
        gateway.plan = plan_gateway(gateway.settings, gateway.routes, moved, now, earlier=gateway.plan)
        gateway.expiry = gateway.plan.expires_at
        return True


def _tell(gateway: str, routes: Mapping[str, StoredRoute], changed: Iterable[str]) -> None:
    """Log what somebody wrote since the last look; `epoch` says whose write it was."""
    for route in changed:
        stored = routes.get(route)
        if stored is None:
            continue
        document = stored.document
        weights = "removed" if document is None else ", ".join(f"{side} {n}" for side, n in document.weights.items())
        epoch = "" if document is None else document.epoch
        _LOG.info("%s: route %s is at version %d: %s", gateway, route, stored.version, weights, extra={"epoch": epoch})


def _settings(name: str, raw: Mapping[str, Any]) -> GatewaySettings | None:
    try:
        return GatewaySettings.model_validate(raw)
    except ValidationError as error:
        _LOG.error("gateway %s: settings make no sense, the last good ones stay: %s", name, error)
        return None
