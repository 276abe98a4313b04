# SPDX-License-Identifier: Apache-2.0
"""An application on edge-a, its traffic through two gateway instances, and its way to edge-b and back."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relocate.clusters.kubernetes.ownership import APPLICATION, INSTANCE
from relocate.demo import site
from relocate.demo.system import System
from relocate.demo.traffic.plan import Flow
from relocate.model.application import Application
from relocate.model.cluster import Cluster
from steering.kubernetes.objects import Kind
from tests.drills.scene import FLOWS, POLICY, Scene
from tests.e2e.account import Account
from tests.e2e.edge import Edge
from tests.e2e.entries import Entry
from tests.e2e.sample import manifests
from tests.gateway_api.site import Site
from tests.line import Line

A, B = "edge-a", "edge-b"
POD = Kind("v1", "Pod")


@dataclass(frozen=True)
class Place:
    """One edge cluster, as the service knows it."""

    edge: Edge
    namespace: str
    account: Account
    line: Line
    """On which the service reaches its API server."""
    kubeconfig: Path
    cluster: Cluster
    """As it was described."""

    @classmethod
    @asynccontextmanager
    async def open(cls, edge: Edge, folder: Path, system: System, name: str = "") -> AsyncIterator["Place"]:
        """Give the service an account there, and tell it of the cluster, under the edge's own name or another."""
        async with edge.namespace() as namespace, edge.line() as line:
            account = Account(edge, namespace)
            await account.grant()
            kubeconfig = await account.kubeconfig(folder, line, name or edge.name)
            connection = {"kind": "kubeconfig", "file": str(kubeconfig)}
            settings = {"connection": connection, "namespaces": [namespace], "timeout_seconds": 3}
            cluster = Cluster(name=name or edge.name, driver="kubernetes", settings=settings)
            await system.describe_cluster(cluster)
            yield cls(edge, namespace, account, line, kubeconfig, cluster)


class EdgeScene(Scene):
    """As on processes, and asked of two real clusters."""

    source, target = A, B

    def __init__(
        self, system: System, name: str, places: Mapping[str, Place], entry: Entry, flows: Sequence[Flow] = FLOWS
    ) -> None:
        """Args: system: the service; name: the application's; places: by cluster; entry: the gateway; flows: what UEs send."""
        super().__init__(system, name, flows)
        self.gateway = entry.name
        self.traffic.listeners = entry.listeners
        self.places = places
        self.entry = entry

    async def describe(self, *, manifest: Sequence[Mapping[str, Any]] = (), **policy: Any) -> None:
        """Say what the application is: the sample's manifests, or others."""
        said = manifest or manifests(self.name, replicas=2)
        await self.system.describe(application(self.name, said, self.gateway, {**self.entry.policy, **policy}))

    @property
    def site(self) -> Site:
        """The implementation of the Gateway API through which it is reached."""
        assert self.entry.site is not None
        return self.entry.site

    async def restart(self, replica: str) -> None:
        """Kill a replica of it, and start it again."""
        await asyncio.to_thread(self.site.end, replica)
        await asyncio.to_thread(self.site.restart_replica, replica)

    async def refused_by(self, other: System) -> str:
        """What another service answers that is told of the same clusters, and is to place the same application."""
        for place in self.places.values():
            await other.describe_cluster(place.cluster)
        said = manifests(self.name, replicas=2)
        await other.describe(application(self.name, said, self.gateway, self.entry.policy))
        async with other.client() as client:
            where = f"/v1/applications/{self.name}/placement"
            answer = await client.put(where, json={"cluster": self.source}, timeout=60)
        assert answer.is_error
        return answer.text

    def turn_round(self) -> None:
        """The next move is the way back."""
        self.source, self.target = self.target, self.source

    def aim(self) -> dict[str, Any]:
        """These clusters say no cells, so that neither is nearer."""
        return {"target": self.target}

    async def plan(self) -> dict[str, Any]:
        """What the API says to a dry run of the move."""
        answer = await self._client.post(
            "/relocate", params={"dryRun": "true"}, json={"application": self.name} | self.aim()
        )
        plan: dict[str, Any] = answer.raise_for_status().json()
        return plan

    async def states(self, cluster: str) -> Sequence[str]:
        """Of every instance of which a pod is there."""
        place = self.places[cluster]
        pods = await place.edge.api.list(POD, place.namespace, labels=f"{APPLICATION}={self.name}")
        driver = await self._parts.driver(cluster)
        instances = sorted({str(pod["metadata"]["labels"][INSTANCE]) for pod in pods.items})
        return [(await driver.observe(self.name, one)).state.value for one in instances]


def application(
    name: str, manifest: Sequence[Mapping[str, Any]], gateway: str, policy: Mapping[str, Any]
) -> Application:
    """The demo's application as Kubernetes runs it, with a short policy."""
    body = site.application(name).model_dump(mode="json")
    body["workloads"] = {"kubernetes": {"manifests": list(manifest)}}
    body["policy"] = {**POLICY, **policy}
    body["readiness"] |= {"stable_seconds": 0.3}
    body["requirements"] = {}
    for route in body["routes"]:
        route["gateways"] = [gateway]
    return Application.model_validate(body)
