# SPDX-License-Identifier: Apache-2.0
"""Where one test of the driver stands: a namespace of a real cluster, an account in it, a line to its API server."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from relocate.clusters.contract import InstanceState, Observation, Workload
from relocate.clusters.kubernetes import KubernetesDriver
from relocate.clusters.kubernetes.objects import at
from relocate.errors import ClusterUnavailable
from steering.kubernetes.errors import NotFound
from steering.kubernetes.objects import Kind, Object
from steering.model import Fence
from tests.e2e.account import Account
from tests.e2e.edge import Edge
from tests.e2e.sample import manifests
from tests.line import Line

CLUSTER, APPLICATION, INSTANCE = "mec-a", "echo", "echo-1"
PATIENCE_SECONDS, PAUSE_SECONDS = 30.0, 0.05


@dataclass
class Ground:
    """One driver in one namespace."""

    edge: Edge
    namespace: str
    account: Account
    line: Line
    driver: KubernetesDriver
    settings: Mapping[str, Any]
    """The cluster's."""
    steps: Iterator[int] = field(default_factory=count)

    @classmethod
    @asynccontextmanager
    async def open(cls, edge: Edge, folder: Path, **settings: Any) -> AsyncIterator["Ground"]:
        """For as long as the block runs; `settings` are more of the cluster's."""
        async with edge.namespace() as namespace, edge.line() as line:
            account = Account(edge, namespace)
            await account.grant()
            connection = {"kind": "kubeconfig", "file": str(await account.kubeconfig(folder, line))}
            said = {"connection": connection, "namespaces": [namespace], "timeout_seconds": 3} | settings
            driver = KubernetesDriver.open(CLUSTER, said)
            try:
                yield cls(edge, namespace, account, line, driver, said)
            finally:
                await driver.close()

    def fence(self) -> Fence:
        """Newer than every one before."""
        return Fence(lease=1, sequence=next(self.steps))

    async def deploy(self, workload: Workload | None = None) -> None:
        """Order an instance; the sample application if nothing is said."""
        await self.driver.deploy(workload or sample(), self.fence())

    async def remove(self, instance: str = INSTANCE) -> None:
        """Order its removal."""
        await self.driver.remove(APPLICATION, instance, self.fence())

    async def observe(self, instance: str = INSTANCE) -> Observation:
        """The instance now."""
        return await self.driver.observe(APPLICATION, instance)

    async def reaches(self, state: InstanceState, reason: str = "", instance: str = INSTANCE) -> Observation:
        """What is observed once it is in this state, for a reason with these words in it; until then it may be unknown."""
        seen: Observation | ClusterUnavailable | None = None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    try:
                        seen = await self.observe(instance)
                    except ClusterUnavailable as error:
                        seen = error
                    else:
                        if seen.state is state and reason in seen.reason:
                            return seen
                    await asyncio.sleep(PAUSE_SECONDS)
        except TimeoutError:
            raise AssertionError(f"not {state} within {PATIENCE_SECONDS:g} s, but {seen}") from None

    async def is_gone(self, instance: str = INSTANCE) -> None:
        """Wait until nothing is left of it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await self.driver.gone(APPLICATION, instance):  # noqa: ASYNC110 - a cluster tells nobody
                await asyncio.sleep(PAUSE_SECONDS)

    async def make(self, api_version: str, kind: str, name: str, **rest: Any) -> Object:
        """An object of somebody else's."""
        metadata = {"name": name, "namespace": self.namespace} | rest.pop("metadata", {})
        return await self.edge.api.create({"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest})

    async def quota_counts(self, name: str) -> None:
        """Wait until the cluster has taken a quota up."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not at(await self.find("v1", "ResourceQuota", name) or {}, "status", "hard"):  # noqa: ASYNC110 - a cluster tells nobody
                await asyncio.sleep(PAUSE_SECONDS)

    async def find(self, api_version: str, kind: str, name: str) -> Object | None:
        """An object as it stands, or None."""
        try:
            return await self.edge.api.get(Kind(api_version, kind), self.namespace, name)
        except NotFound:
            return None


def sample(*arguments: str, instance: str = INSTANCE, replicas: int = 1, **settings: Any) -> Workload:
    """The sample application; `settings` are more of what it says about running here."""
    said = {"manifests": manifests("echo", *arguments, replicas=replicas)} | settings
    return Workload(application=APPLICATION, instance=instance, ports=("http",), settings=said)


def container_of(workload: Workload) -> dict[str, Any]:
    """Its one container, to be changed."""
    found: dict[str, Any] = workload.settings["manifests"][0]["spec"]["template"]["spec"]["containers"][0]
    return found
