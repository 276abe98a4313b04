# SPDX-License-Identifier: Apache-2.0
"""An application that somebody else runs on edge-a, with a route of somebody else's to it, and users on it."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx

from relocate.clusters.kubernetes.endpoints import addresses
from relocate.demo import site
from steering.gateway_api.names import HTTP_ROUTE
from steering.kubernetes.api import Api
from steering.kubernetes.connection import Kubeconfig
from steering.kubernetes.errors import NotFound
from steering.kubernetes.objects import Kind, Object
from steering.model import Endpoint
from tests.drills.waiting import eventually
from tests.e2e.healer import Healer
from tests.e2e.sample import manifests
from tests.e2e.scene import A, EdgeScene
from tests.gateway_api.site import LISTENER
from tests.gateway_api.strangers import leading_to, made, route, without_history

NODE, SERVICE, DEPLOYMENT = Kind("v1", "Node"), Kind("v1", "Service"), Kind("apps/v1", "Deployment")
PREFIXES = ("/", "/demo.Echo")
"""Of the ports http and grpc."""


class StrangersScene(EdgeScene):
    """As on two real clusters; what runs on the source is not ours."""

    async def open(self, through: Sequence[str] = site.INSTANCES, **described: Any) -> None:
        """Tell the service what the application is, and let somebody else run it and route to it."""
        self._strange = Api(Kubeconfig(file=self.site.hub.kubeconfig), manager="somebody-else")
        await self.describe(**described)
        place = self.places[A]
        for one in manifests(self.name, replicas=2):
            await place.edge.api.create({**one, "metadata": {**one["metadata"], "namespace": place.namespace}})
        host, gateway = site.host_of(self.name), {"gateway": "edge", "listener": LISTENER}
        ports = await self._ports()
        await made(
            self._strange,
            *leading_to(self.site.name, self.name, ports),
            route(self.site.name, self.name, host, PREFIXES, **gateway),
        )
        await eventually(self._served, "somebody else's route serves", 60)
        self.traffic.instances = through
        await self.traffic.start()
        await self.traffic.first_number()
        self._since = time.time_ns()

    async def close(self) -> None:
        """What is theirs goes too."""
        await super().close()
        place = self.places[A]
        for kind in (DEPLOYMENT, SERVICE):
            with suppress(NotFound):
                await place.edge.api.delete(kind, place.namespace, self.name)
        await self._strange.close()

    async def _unroute(self) -> None:
        """With everything in it: it was theirs, and so are other rules."""
        with suppress(NotFound):
            await self._strange.delete(HTTP_ROUTE, self.site.name, self.name)

    async def adoption(self) -> dict[str, Any]:
        """What the API says to a look."""
        answer = await self._client.get(self._address, params={"cluster": A})
        seen: dict[str, Any] = answer.raise_for_status().json()
        return seen

    async def adopt(self) -> httpx.Response:
        """Ask for it to be taken over."""
        return await self._client.put(self._address, json={"cluster": A}, timeout=120)

    async def release(self) -> httpx.Response:
        """Ask for it to be given back."""
        return await self._client.delete(self._address, timeout=120)

    async def mark(self, annotations: Mapping[str, str | None]) -> None:
        """Annotate the route, as a controller does that keeps it."""
        body = {"metadata": {"annotations": annotations}}
        await self._strange.patch(HTTP_ROUTE, self.site.name, self.name, body)

    @asynccontextmanager
    async def healed(self) -> AsyncIterator[Healer]:
        """While the block runs, somebody keeps the rules of the route as they are now."""
        found = await self._strange.get(HTTP_ROUTE, self.site.name, self.name)
        kept = list(found["spec"]["rules"])
        async with Healer.at_work(self.site.hub, self.site.name, self.name, lambda _: kept) as healer:
            yield healer

    async def stands(self) -> list[dict[str, Any]]:
        """What its owners said of the route and of what runs."""
        place = self.places[A]
        found: list[Object] = [await self._strange.get(HTTP_ROUTE, self.site.name, self.name)]
        found += [await place.edge.api.get(kind, place.namespace, self.name) for kind in (DEPLOYMENT, SERVICE)]
        return [without_history(one) for one in found]

    @property
    def _address(self) -> str:
        return f"/v1/applications/{self.name}/adoption"

    async def _ports(self) -> Mapping[str, tuple[Endpoint, ...]]:
        """Where the Service is reached, at the nodes."""
        place = self.places[A]
        nodes = addresses((await place.edge.api.list(NODE)).items)
        service = await place.edge.api.get(SERVICE, place.namespace, self.name)
        return {
            one["name"]: tuple(Endpoint(host=node, port=one["nodePort"]) for node in nodes)
            for one in service["spec"]["ports"]
        }

    async def _served(self) -> bool:
        with suppress(httpx.HTTPError, ValueError):
            return bool(await self.answers())
        return False
