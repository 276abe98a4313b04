# SPDX-License-Identifier: Apache-2.0
"""The parts a worker works with: the database, and adapters, drivers and the selector as configured.

Opened when first asked for, opened anew when their configuration changes.
"""

import asyncio
from typing import Self

from relocate import clusters, targets
from relocate.clusters.contract import ClusterDriver
from relocate.errors import InvalidRequest
from relocate.model.cluster import Cluster, Gateway
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.targets.contract import TargetSelector
from steering import adapters
from steering.contract import SteeringAdapter

GATES_AT_ONCE = 32
"""Gates of one worker that ask at a time; the others wait for their turn. A thousand gates that all ask at once leave the
worker no time to say that it lives, and all that it has in hand is begun anew elsewhere."""


class Parts:
    """Everything outside this process that activities speak with."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Args: settings: this process's; database: the service's."""
        self.database = database
        self.settings = settings
        self.gate_turn = asyncio.Semaphore(GATES_AT_ONCE)
        self.selector: TargetSelector = targets.load(settings.selector).open(settings.selector_settings)
        self._adapters: dict[str, tuple[Gateway, SteeringAdapter]] = {}
        self._drivers: dict[str, tuple[Cluster, ClusterDriver]] = {}

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """The parts for these settings. Nothing is connected yet."""
        return cls(settings, Database.open(settings.database))

    async def adapter(self, gateway: str) -> SteeringAdapter:
        """The steering adapter of a configured gateway.

        Raises:
            NotFound: no gateway is called that.
            InvalidRequest: its settings make no sense.
        """
        configured = await asyncio.to_thread(self.database.catalogue.get, Gateway, gateway)
        known = self._adapters.get(gateway)
        if known is not None and known[0] == configured:
            return known[1]
        try:
            kind = adapters.load(configured.adapter)
            opened = kind.open(gateway, configured.settings, database_url=self.settings.database)
        except ValueError as error:
            raise InvalidRequest(f"gateway {gateway}: {error}", field="settings") from error
        self._adapters[gateway] = (configured, opened)
        if known is not None:
            await known[1].close()
        return opened

    async def driver(self, cluster: str) -> ClusterDriver:
        """The driver of a configured cluster.

        Raises:
            NotFound: no cluster is called that.
            InvalidRequest: its settings make no sense.
        """
        configured = await asyncio.to_thread(self.database.catalogue.get, Cluster, cluster)
        known = self._drivers.get(cluster)
        if known is not None and known[0] == configured:
            return known[1]
        kind = clusters.load(configured.driver)
        opened = kind.open(cluster, configured.settings, database_url=self.settings.database)
        self._drivers[cluster] = (configured, opened)
        if known is not None:
            await known[1].close()
        return opened

    async def driver_kind(self, cluster: str) -> str:
        """Which kind of driver a cluster has; applications say what to run by kind."""
        configured = await asyncio.to_thread(self.database.catalogue.get, Cluster, cluster)
        return configured.driver

    async def close(self) -> None:
        """Let go of every connection."""
        for _, adapter in self._adapters.values():
            await adapter.close()
        for _, driver in self._drivers.values():
            await driver.close()
        await self.selector.close()
        self.database.close()
