# SPDX-License-Identifier: Apache-2.0
"""The sample application as people move it by hand between two clusters: four commands of kubectl.

What does not change with a move is made once: node ports that are the same on both clusters, and for each cluster a Service
beside the HTTPRoute that leads to them. So a move is `apply` on B, `rollout status`, a `patch` of the HTTPRoute, and `delete`
on A.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from relocate.demo import site
from steering.gateway_api.names import ENDPOINT_SLICE, HTTP_ROUTE, SERVICE, SERVICE_NAME
from steering.gateway_api.rendering import parent
from steering.gateway_api.settings import Parent
from tests.bench.kubernetes.stage import Stage
from tests.e2e.sample import manifests
from tests.e2e.scene import A, B
from tests.gateway_api.site import LISTENER

Json = dict[str, Any]

FIRST_NODE_PORT = 30000
"""Kubernetes keeps the lower part of its node ports for those that are asked for by number."""
PORTS = ("http", "grpc")
PREFIXES = {"grpc": "/demo.Echo", "http": "/"}
LONG = "60s"


class ByHand:
    """One application; where it runs is what was done last."""

    def __init__(self, stage: Stage, number: int, *, replicas: int = 2) -> None:
        """Args: stage: where; number: of the application, from 0; replicas: pods."""
        self.name = f"by-hand-{number}"
        self._stage = stage
        self._node_ports = {port: FIRST_NODE_PORT + 2 * number + at for at, port in enumerate(PORTS)}
        self._manifest = _said(manifests(self.name, replicas=replicas, node_ports=self._node_ports))
        self._on = A

    @property
    def target(self) -> str:
        """The cluster on which it does not run."""
        return B if self._on == A else A

    def node_port(self, port: str = "http") -> int:
        """Where a port of it is reached on every node."""
        return self._node_ports[port]

    async def place(self) -> None:
        """On A, and behind the gateway."""
        await self.apply(A)
        await self.roll_out(A)
        await self._hub("apply", "--server-side", "-f", "-", stdin=await self._beside())

    async def move(self, *, waits: bool = True) -> None:
        """To the other cluster; whether somebody waits there until it has rolled out."""
        source, target = self._on, self.target
        await self.apply(target)
        if waits:
            await self.roll_out(target)
        await self._hub("patch", "httproute", self.name, "--type=json", "-p", self._patch(target))
        await self.delete(source)
        self._on = target

    async def apply(self, cluster: str) -> None:
        """`kubectl apply`."""
        await self._edge(cluster, "apply", "-f", "-", stdin=self._manifest)

    async def roll_out(self, cluster: str) -> None:
        """`kubectl rollout status`."""
        await self._edge(cluster, "rollout", "status", f"deployment/{self.name}", "--timeout", LONG)

    async def delete(self, cluster: str) -> None:
        """`kubectl delete`, which waits until the objects are gone."""
        await self._edge(cluster, "delete", "--ignore-not-found", "-f", "-", stdin=self._manifest)

    async def remove(self) -> None:
        """Leave nothing of it anywhere."""
        for cluster in (A, B):
            await self.delete(cluster)
        await self._hub("delete", "--ignore-not-found", "-f", "-", stdin=await self._beside())

    async def _edge(self, cluster: str, *arguments: str, stdin: str = "") -> None:
        place = self._stage.places[cluster]
        await self._stage.kubectl(place.edge.kubeconfig, place.namespace, *arguments, stdin=stdin)

    async def _hub(self, *arguments: str, stdin: str = "") -> None:
        await self._stage.kubectl(self._stage.clusters.hub, self._stage.site.name, *arguments, stdin=stdin)

    async def _beside(self) -> str:
        """The HTTPRoute and what it names."""
        ends = [one for cluster in (A, B) for one in self._ends(cluster, await self._stage.nodes(cluster))]
        return _said([*ends, self._route()])

    def _service(self, cluster: str) -> str:
        return f"{self.name}-{cluster}"

    def _ends(self, cluster: str, nodes: Sequence[str]) -> Sequence[Json]:
        """The Service that leads to a cluster's nodes, and where that is."""
        name, http2 = self._service(cluster), {"appProtocol": "kubernetes.io/h2c"}
        ports = [{"name": port, "port": _number(port)} | (http2 if port == "grpc" else {}) for port in PORTS]
        ends = [{"name": port, "port": self._node_ports[port]} for port in PORTS]
        ready = {"ready": True, "serving": True, "terminating": False}
        return [
            _object(SERVICE, name) | {"spec": {"ports": ports}},
            _object(ENDPOINT_SLICE, name, **{SERVICE_NAME: name})
            | {
                "addressType": "IPv4",
                "ports": ends,
                "endpoints": [{"addresses": [one], "conditions": ready} for one in nodes],
            },
        ]

    def _route(self) -> Json:
        rules = [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": PREFIXES[port]}}],
                "backendRefs": [{"name": self._service(A), "port": _number(port)}],
            }
            for port in PORTS
        ]
        reference = parent(Parent(name="edge", listener=LISTENER), self._stage.site.name)
        spec = {"parentRefs": [reference], "hostnames": [site.host_of(self.name)], "rules": rules}
        return _object(HTTP_ROUTE, self.name) | {"spec": spec}

    def _patch(self, cluster: str) -> str:
        """For every port its Service on that cluster."""
        places = [f"/spec/rules/{at}/backendRefs/0/name" for at, _ in enumerate(PORTS)]
        return json.dumps([{"op": "replace", "path": place, "value": self._service(cluster)} for place in places])


def _number(port: str) -> int:
    return 80 + PORTS.index(port)


def _object(kind: tuple[str, str], name: str, **labels: str) -> Json:
    return {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": name, "labels": labels}}


def _said(objects: Sequence[Mapping[str, Any]]) -> str:
    """As one document, which is what kubectl takes."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
