# SPDX-License-Identifier: Apache-2.0
"""A story's world whose clusters are EMCO's: a simulated one, which has everything run on clusters in memory."""

from typing import Any

from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.model.placement import Placement
from tests.clusters.emco import world as emco
from tests.workflow.run import OPERATOR
from tests.workflow.service import Service
from tests.workflow.world import World, without_routes


class EmcoWorld(World):
    """The application is one app of a group that EMCO has on `a`."""

    def __init__(self, service: Service, site: emco.World, *, companion: bool = True, steered: bool = True) -> None:
        """Args: service: as for `World`; site: the EMCO; companion: whether we see the clusters beside EMCO; steered: by a gateway."""
        super().__init__(service)
        self.site = site
        self.a, self.b, self.c = site.a, site.b, site.c
        self._companion = companion
        self._steered = steered

    async def begin_unplaced(self) -> None:
        """Configure everything; EMCO has it running."""
        await self.site.begin()
        await self.data_plane.start()
        catalogue = self.service.database.catalogue
        for name in (self.a, self.b, self.c):
            catalogue.put(self._cluster(name, companion=self._companion))
        catalogue.put(Gateway(name=self.gateway_name, adapter="memory"))
        catalogue.put(self.application())

    async def begin(self) -> None:
        """And adopted."""
        await self.begin_unplaced()
        await self.adopt()

    async def adopt(self) -> Placement:
        """Take over what EMCO runs on `a`."""
        return await self.service.dispatch.adopt(self.app, self.a, OPERATOR)

    def application(self) -> Application:
        """Of which nothing is said but what it is in EMCO."""
        group = {
            "project": "p",
            "composite_app": "shop",
            "composite_app_version": "v1",
            "deployment_intent_group": "dig",
        }
        steered = super().application().model_copy(update={"workloads": {"emco": group}})
        return steered if self._steered else without_routes(steered)

    def give_companion(self, name: str) -> None:
        """From now on a cluster is seen beside EMCO."""
        self.service.database.catalogue.put(self._cluster(name, companion=True))

    def _cluster(self, cluster: str, *, companion: bool) -> Cluster:
        quick = {"stable_seconds": 0, "settle_seconds": 3, "orphan_seconds": 0.3, "timeout_seconds": 2}
        said: dict[str, Any] = {"url": self.site.url, "provider": emco.PROVIDER, "cluster": cluster, **quick}
        seen = (
            {"companion": {"driver": "memory"}} if companion else {"endpoints": {self.app: {"http": [emco.ENDPOINT]}}}
        )
        return Cluster(name=cluster, driver="emco", settings=said | seen)

    def instances(self) -> dict[str, int]:
        """As `World`, whatever EMCO calls them."""
        return {name: len(found) for name in (self.a, self.b, self.c) if (found := self.site.memory(name).instances)}
