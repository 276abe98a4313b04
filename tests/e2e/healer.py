# SPDX-License-Identifier: Apache-2.0
"""A controller that heals itself, without a mark: whatever somebody changes in an HTTPRoute, it changes back at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from steering.gateway_api.names import HTTP_ROUTE
from steering.kubernetes.api import Api
from steering.kubernetes.connection import Kubeconfig
from steering.kubernetes.errors import Conflict
from steering.kubernetes.objects import Object
from tests.gateway_api.hub import Hub

NAME = "self-healer"
Rules = list[dict[str, Any]]


class Healer:
    """Watches one HTTPRoute."""

    def __init__(self, api: Api, namespace: str, route: str, healed: Callable[[Rules], Rules]) -> None:
        """Args: api: as its own field manager; namespace, route: of what it keeps; healed: its rules as it wants them."""
        self._api = api
        self._namespace = namespace
        self._route = route
        self._healed = healed
        self.heals = 0
        """How often it has changed something back."""

    @classmethod
    @asynccontextmanager
    async def at_work(
        cls, hub: Hub, namespace: str, route: str, healed: Callable[[Rules], Rules]
    ) -> AsyncIterator["Healer"]:
        """While the block runs."""
        api = Api(Kubeconfig(file=hub.kubeconfig), manager=NAME)
        healer = cls(api, namespace, route, healed)
        try:
            # Should it die, the block ends with its reason.
            async with asyncio.TaskGroup() as group:
                working = group.create_task(healer._work())
                yield healer
                working.cancel()
        finally:
            await api.close()

    async def _work(self) -> None:
        while True:
            listed = await self._api.list(HTTP_ROUTE, self._namespace)
            for one in listed.items:
                await self._heal(one)
            async for event in self._api.watch(HTTP_ROUTE, self._namespace, since=listed.resource_version):
                if event.type == "MODIFIED":
                    await self._heal(event.object)

    async def _heal(self, found: Object) -> None:
        rules = found["spec"]["rules"]
        wanted = self._healed(rules)
        if found["metadata"]["name"] != self._route or wanted == rules:
            return
        try:
            await self._api.replace({**found, "spec": {**found["spec"], "rules": wanted}})
        except Conflict:
            return  # there is a newer one, and the watch will say so
        self.heals += 1


def weights(declared: list[int]) -> Callable[[Rules], Rules]:
    """Keeps the weights of the rules for everybody, as far as they have as many backends as were declared."""

    def healed(rules: Rules) -> Rules:
        return [_weighted(rule, declared) for rule in rules]

    return healed


def _weighted(rule: dict[str, Any], declared: list[int]) -> dict[str, Any]:
    found = rule.get("backendRefs") or []
    if not rule.get("name", "").startswith("relocate.production") or len(found) != len(declared):
        return rule
    return {**rule, "backendRefs": [{**one, "weight": weight} for one, weight in zip(found, declared, strict=True)]}
