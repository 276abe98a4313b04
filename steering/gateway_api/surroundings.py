# SPDX-License-Identifier: Apache-2.0
"""What a document is judged by before it is written: the Gateway, and the other routes on it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steering.gateway_api import listeners, names, neighbours
from steering.gateway_api.kinds import KINDS
from steering.gateway_api.settings import GatewayApiSettings
from steering.kubernetes.api import Api
from steering.kubernetes.errors import Forbidden, NotFound
from steering.kubernetes.objects import Object
from steering.model import Problem, RouteDocument

KNOWN_SECONDS = 5.0
"""Every step of every relocation asks, and the answer is a list of all routes: it is read anew after this time only."""


@dataclass(frozen=True)
class _Seen:
    """As it was at one moment."""

    at: float
    gateway: Object | None
    namespace_labels: Mapping[str, str] | None
    routes: Sequence[Object]


class Surroundings:
    """Of one gateway."""

    def __init__(self, api: Api, gateway: str, settings: GatewayApiSettings) -> None:
        """Args: api: of the Gateway's cluster; gateway: its configured name; settings: its."""
        self._api = api
        self._gateway = gateway
        self._settings = settings
        self._seen: _Seen | None = None
        self._turn = asyncio.Lock()

    async def problems(self, document: RouteDocument) -> list[Problem]:
        """What speaks against a document here."""
        async with self._turn:
            if self._seen is None or time.monotonic() - self._seen.at > KNOWN_SECONDS:
                self._seen = await self._look()
            seen = self._seen
        found = list(neighbours.problems(seen.routes, document, self._gateway, self._settings))
        if seen.gateway is None:
            return [*found, Problem(field="gateway", reason=f"there is no Gateway {'/'.join(self._where)}")]
        hosts = names.hosts(document)
        return [*found, *listeners.problems(seen.gateway, hosts, self._settings, seen.namespace_labels)]

    @property
    def _where(self) -> tuple[str, str]:
        return self._settings.gateway.namespace or self._settings.namespace, self._settings.gateway.name

    async def _look(self) -> _Seen:
        now = time.monotonic()
        try:
            gateway: Object | None = await self._api.get(names.GATEWAY, *self._where)
        except NotFound:
            gateway = None
        return _Seen(now, gateway, await self._namespace_labels(gateway), await self._routes())

    async def _namespace_labels(self, gateway: Object | None) -> Mapping[str, str] | None:
        """Asked for only where a listener chooses by them."""
        if gateway is None or "selector" not in str(gateway["spec"]["listeners"]):
            return None
        found = await self._api.get(names.NAMESPACE, None, self._settings.namespace)
        return dict(found["metadata"].get("labels") or {})

    async def _routes(self) -> Sequence[Object]:
        """All that we may see: those of the whole cluster, or those beside ours."""
        kind = KINDS[self._settings.kind].object
        try:
            return (await self._api.list(kind)).items
        except Forbidden:
            return (await self._api.list(kind, self._settings.namespace)).items
