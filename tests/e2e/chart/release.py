# SPDX-License-Identifier: Apache-2.0
"""One release of the chart on a real cluster, installed, changed and taken away by Helm."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from steering.kubernetes.objects import Kind
from steering.model import Endpoint
from tests.drills.waiting import eventually
from tests.e2e.edge import Edge
from tests.helm.chart import CHART, Helm
from tests.programs.build import KUBERNETES, build
from tests.testbed.commands import run

NAME = "edge"
LABELS = f"app.kubernetes.io/instance={NAME}"
"""Of all that is of it."""
COMPONENT = "app.kubernetes.io/component"
"""Label that names the process."""
FULL_NAME = f"{NAME}-edge-relocation"
"""Where the names of its objects begin."""
POD, NODE, SERVICE = Kind("v1", "Pod"), Kind("v1", "Node"), Kind("v1", "Service")
TIMEOUT = "180s"
"""How long Helm waits for everything to be ready."""
END_SECONDS = 90.0
"""Longer than the grace that pods have."""


@dataclass(frozen=True)
class Release:
    """In one namespace of a cluster, with these values."""

    helm: Helm
    edge: Edge
    namespace: str
    values: Mapping[str, Any]
    folder: Path
    token: str
    """Of the scope admin."""

    async def install(self, tag: str) -> str:
        """Install it with this image, and wait until all is ready; what Helm says."""
        return await self._apply("install", tag)

    async def upgrade(self, tag: str, *draining: str) -> str:
        """Upgrade it to this image, and keep the workers of others.

        Raises:
            HelmError: a hook refuses it; the text has its log.
        """
        return await self._apply("upgrade", tag, *draining)

    async def rollback(self, revision: int) -> str:
        """Go back to how it was."""
        return await self._run("rollback", NAME, str(revision), "--wait", "--timeout", TIMEOUT)

    async def test(self) -> str:
        """What `helm test` says, with the logs of its pod."""
        return await self._run("test", NAME, "--timeout", TIMEOUT)

    async def uninstall(self) -> None:
        """Take it away."""
        await self._run("uninstall", NAME, "--wait", "--timeout", TIMEOUT)

    async def client(self) -> httpx.AsyncClient:
        """A client of its API, through the Service's node port."""
        where = await node_port(self.edge, self.namespace, f"{FULL_NAME}-api")
        return httpx.AsyncClient(
            base_url=f"http://{where}",
            headers={"authorization": f"Bearer {self.token}"},
            timeout=60,
            trust_env=False,
        )

    async def evict(self, process: str) -> None:
        """Have the pods of a process evicted, as a node that is drained does; but for those that go already."""
        pods = (await self.edge.api.list(POD, self.namespace, labels=f"{LABELS},{COMPONENT}={process}")).items
        for pod in pods:
            if "deletionTimestamp" not in pod["metadata"]:
                await self._evict(pod["metadata"]["name"])

    async def runs(self, api: str, *workers: str) -> None:
        """Wait until no pods are there but processes of one image, and workers of these: who is told to end takes a moment."""
        expected = {("api", api), ("gateway-control", api), *(("worker", one) for one in workers)}

        async def they_do() -> bool:
            return await self._containers() == expected

        await eventually(they_do, f"running {sorted(expected)}", END_SECONDS)

    async def _containers(self) -> set[tuple[str, str]]:
        """Name and tag of the container of every pod."""
        pods = (await self.edge.api.list(POD, self.namespace, labels=LABELS)).items
        found = [container for pod in pods for container in pod["spec"]["containers"]]
        return {(one["name"], one["image"].partition(":")[2]) for one in found}

    async def _evict(self, pod: str) -> None:
        metadata = {"name": pod, "namespace": self.namespace}
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        where = ("--kubeconfig", str(self.edge.kubeconfig), "--raw", path, "--filename", "-")
        await run(str(build(KUBERNETES) / "kubectl"), "create", *where, stdin=json.dumps(eviction))

    async def _apply(self, how: str, tag: str, *draining: str) -> str:
        file = self.folder / "values.yaml"
        await asyncio.to_thread(file.write_text, yaml.safe_dump(self.values))
        told = ["--values", str(file), "--set", f"image.tag={tag}"]
        for number, one in enumerate(draining):
            told += ["--set", f"worker.versioning.draining[{number}].tag={one}"]
        return await self._run(how, NAME, str(CHART), *told, "--wait", "--timeout", TIMEOUT)

    async def _run(self, *arguments: str) -> str:
        where = ("--kubeconfig", str(self.edge.kubeconfig), "--namespace", self.namespace)
        return await asyncio.to_thread(self.helm.said, *arguments, *where)


async def node_port(edge: Edge, namespace: str, service: str) -> Endpoint:
    """Where a Service's first port is reached from outside of its cluster."""
    (node, *_) = (await edge.api.list(NODE)).items
    host = next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP")
    found = await edge.api.get(SERVICE, namespace, service)
    return Endpoint(host=host, port=found["spec"]["ports"][0]["nodePort"])
