# SPDX-License-Identifier: Apache-2.0
"""What one gateway shall hold: the stored routes, rendered. Pure, and the same in every control plane process."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address

from google.protobuf.json_format import ParseError

from steering.envoy.clusters import Moved, clusters, endpoints
from steering.envoy.listener import Chain, chain, listener
from steering.envoy.routing import nothing, routing
from steering.envoy.settings import GatewaySettings
from steering.envoy.xds import Resource
from steering.model import Endpoint, ProbePath, RouteDocument
from steering.store.routes import StoredRoute

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"^(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*\Z")


@dataclass(frozen=True)
class RoutePlan:
    """One route's resources in one version. Nothing here depends on any other route."""

    route: str
    version: int
    epoch: str
    """Of the write that made this version."""
    clusters: Mapping[str, Resource]
    endpoints: Mapping[str, Resource]
    routing: Resource
    chain: Chain | None
    """None if the listener is not ours."""
    linger_seconds: float
    """How long clusters stay after the routes have dropped them, for requests that may still try them again."""
    moved: Moved
    """Where its instances listen that are not where the document says."""
    expires_at: datetime | None
    """When its next probe path expires; None if it has none."""

    def is_current(self, version: int, moved: Moved, now: datetime) -> bool:
        """Whether rendering it again would give the same."""
        return version == self.version and moved == self.moved and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, eq=False)
class GatewayPlan:
    """Everything one gateway shall hold. Two plans are never equal: what differs is for `differing` to say."""

    settings: GatewaySettings
    routes: Mapping[str, RoutePlan] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    """Versions of the routes that were removed on purpose. Only these may ever be taken from a gateway: a route that
    stands neither here nor in `routes` is one that the database knows nothing about, and a gateway keeps it."""
    broken: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Routes whose document cannot be rendered: version and reason."""

    def listener(self, instance: str, chains: Iterable[Chain]) -> Resource | None:
        """The listener of one instance with these filter chains, or None if it has none to carry or nowhere to bind."""
        bind = self.bind(instance)
        listed = list(chains)
        return listener(bind, listed) if bind is not None and listed else None

    def bind(self, instance: str) -> Endpoint | None:
        """Where an instance's listener binds, or None if it is not ours or nobody said where."""
        if self.settings.listener is None:
            return None
        declared = self.settings.instance(instance)
        return self.settings.listener.bind or (declared.address if declared else None)

    def farewell(self, route: str) -> Resource:
        """The empty RouteConfiguration of a removed route."""
        return nothing(route, self.removed[route])

    @property
    def expires_at(self) -> datetime | None:
        """When it has to be made anew though nothing was written: the next end of a probe path; None for never."""
        return min((one.expires_at for one in self.routes.values() if one.expires_at is not None), default=None)


def plan_gateway(
    settings: GatewaySettings,
    routes: Mapping[str, StoredRoute],
    moved: Moved,
    now: datetime,
    *,
    earlier: GatewayPlan | None = None,
) -> GatewayPlan:
    """Render every route of a gateway; one that cannot be rendered is named and leaves the others alone.

    Args:
        settings: the gateway's.
        routes: as stored, by name.
        moved: where instances listen that are not where their documents say.
        now: decides which probe paths have expired.
        earlier: an earlier plan of this gateway; what would be rendered the same is taken from it, as it is.
    """
    kept = earlier.routes if earlier is not None and earlier.settings == settings else {}
    planned: dict[str, RoutePlan] = {}
    broken: dict[str, tuple[int, str]] = {}
    for name, stored in routes.items():
        if stored.document is None:
            continue
        known = kept.get(name)
        if known is not None and known.is_current(stored.version, _moved_of(stored.document, moved), now):
            planned[name] = known
            continue
        try:
            planned[name] = plan_route(stored.document, stored.version, settings, moved, now)
        except (ParseError, ValueError) as error:
            broken[name] = (stored.version, str(error))
    removed = {name: stored.version for name, stored in routes.items() if stored.document is None}
    return GatewayPlan(settings, planned, removed, broken)


@lru_cache(maxsize=8)  # every connection of a gateway asks for the same two plans
def differing(plan: GatewayPlan, other: GatewayPlan | None) -> frozenset[str]:
    """Routes that are not the same in two plans of a gateway; all of them if there is no other."""
    before = other or GatewayPlan(plan.settings)
    rendered = {
        one for one in plan.routes.keys() | before.routes.keys() if plan.routes.get(one) is not before.routes.get(one)
    }
    removed = {name for name, _ in plan.removed.items() ^ before.removed.items()}
    return frozenset(rendered | removed | {name for name, _ in plan.broken.items() ^ before.broken.items()})


def plan_route(
    document: RouteDocument, version: int, settings: GatewaySettings, moved: Moved, now: datetime
) -> RoutePlan:
    """Render one route.

    Raises:
        ValueError: Envoy would refuse it; the text names the field.
        google.protobuf.json_format.ParseError: a value does not fit Envoy's schema.
    """
    for index, host in enumerate(document.hosts):
        # All routes share one listener, so a name that Envoy would refuse there must never reach it.
        if not _HOST.match(host):
            raise ValueError(f"hosts.{index}: {host!r} must be a host name without a wildcard or a port")
    for backend in document.backends:
        for name, found in backend.endpoints.items():
            for endpoint in found:
                _check_ip(f"backends.{backend.name}.endpoints.{name}", endpoint)
    paths = live_paths(document, now)
    return RoutePlan(
        route=document.route,
        version=version,
        epoch=document.epoch,
        clusters={one.name: one for one in clusters(document, paths, settings)},
        endpoints={one.name: one for one in endpoints(document, version, paths, moved)},
        routing=routing(document, version, paths, settings),
        chain=chain(document, settings) if settings.listener is not None else None,
        linger_seconds=document.timeout_seconds,
        moved=_moved_of(document, moved),
        expires_at=min((path.expires_at for path in paths), default=None),
    )


def live_paths(document: RouteDocument, now: datetime) -> tuple[ProbePath, ...]:
    """The probe paths that have not expired."""
    return tuple(path for path in document.probe_paths if path.expires_at > now)


def _moved_of(document: RouteDocument, moved: Moved) -> Moved:
    return {one.instance: moved[one.instance] for one in document.backends if one.instance in moved}


def _check_ip(field_name: str, endpoint: Endpoint) -> None:
    try:
        ip_address(endpoint.host)
    except ValueError as error:
        raise ValueError(
            f"{field_name}: {endpoint.host} must be an IP address; Envoy's EDS resolves no names"
        ) from error
