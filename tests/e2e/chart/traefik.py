# SPDX-License-Identifier: Apache-2.0
"""A Gateway in a cluster: two Traefiks as pods, behind one Service with a node port, as a platform team would run them."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relocate.demo.certificates import Certificates
from steering.gateway_api.names import GATEWAY
from steering.kubernetes.objects import Kind
from tests.drills.waiting import eventually
from tests.e2e.edge import Edge
from tests.gateway_api.hub import CLASS
from tests.testbed.images import write

Json = dict[str, Any]

IMAGE = "docker.io/testbed/traefik:1"
NAME = "traefik"
REPLICAS, READY_SECONDS = 2, 90.0
LISTENER_PORT, ADMIN_PORT = 8443, 9100
DEPLOYMENT = Kind("apps/v1", "Deployment")
BINDING = Kind("rbac.authorization.k8s.io/v1", "ClusterRoleBinding")


def archive(program: Path, folder: Path) -> Path:
    """An image of the program."""
    file = folder / "traefik.tar"
    write(IMAGE, file, {NAME: program}, [f"/{NAME}"])
    return file


@dataclass(frozen=True)
class Traefik:
    """It, in a namespace that is there."""

    edge: Edge
    namespace: str
    domain: str
    """Of all hosts that it serves."""
    certificates: Certificates

    async def start(self) -> None:
        """Make everything, and wait until both are ready."""
        for each in self._objects():
            await self.edge.api.apply(each)

        async def ready() -> bool:
            found = await self.edge.api.get(DEPLOYMENT, self.namespace, NAME)
            return bool(found.get("status", {}).get("readyReplicas") == REPLICAS)

        await eventually(ready, "ready", READY_SECONDS)

    async def stop(self) -> None:
        """Take away what is outside of the namespace."""
        await self.edge.api.delete(BINDING, None, self.namespace)
        await self.edge.api.delete(CLASS, None, self.namespace)

    def _objects(self) -> list[Json]:
        pair = {"tls.crt": self.certificates.cert.read_bytes(), "tls.key": self.certificates.key.read_bytes()}
        data = {key: base64.b64encode(pem).decode() for key, pem in pair.items()}
        subject = {"kind": "ServiceAccount", "name": NAME, "namespace": self.namespace}
        everything = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        return [
            self._one("v1", "Secret", "certificate") | {"type": "kubernetes.io/tls", "data": data},
            self._one("v1", "ServiceAccount", NAME),
            _wide(BINDING, self.namespace) | {"roleRef": everything, "subjects": [subject]},
            _wide(CLASS, self.namespace) | {"spec": {"controllerName": "traefik.io/gateway-controller"}},
            self._one(*GATEWAY, "edge")
            | {"spec": {"gatewayClassName": self.namespace, "listeners": [self._listener()]}},
            self._one("v1", "Service", NAME) | {"spec": _service()},
            self._one("apps/v1", "Deployment", NAME) | {"spec": _deployment()},
        ]

    def _listener(self) -> Json:
        return {
            "name": "https",
            "protocol": "HTTPS",
            "port": LISTENER_PORT,
            "hostname": f"*.{self.domain}",
            "tls": {"mode": "Terminate", "certificateRefs": [{"name": "certificate"}]},
            "allowedRoutes": {"namespaces": {"from": "All"}},
        }

    def _one(self, api_version: str, kind: str, name: str) -> Json:
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}}


def _wide(kind: Kind, name: str) -> Json:
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": name}}


def _service() -> Json:
    return {
        "type": "NodePort",
        "selector": {"app": NAME},
        "ports": [{"name": "https", "port": 443, "targetPort": LISTENER_PORT}],
    }


def _deployment() -> Json:
    options = {
        "entrypoints.https.address": f":{LISTENER_PORT}",
        "entrypoints.admin.address": f":{ADMIN_PORT}",
        "providers.kubernetesgateway": "true",
        "metrics.prometheus": "true",
        "metrics.prometheus.entrypoint": "admin",
        "metrics.prometheus.addserviceslabels": "true",
        "global.checknewversion": "false",
        "global.sendanonymoususage": "false",
    }
    container = {
        "name": NAME,
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "args": [f"--{key}={value}" for key, value in options.items()],
        # Without a request it gets what processor time everybody else leaves.
        "resources": {"requests": {"cpu": "250m"}},
        "readinessProbe": {"tcpSocket": {"port": ADMIN_PORT}, "periodSeconds": 1},
    }
    labels = {"app": NAME}
    pod = {"serviceAccountName": NAME, "containers": [container]}
    return {
        "replicas": REPLICAS,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
