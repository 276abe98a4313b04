# SPDX-License-Identifier: Apache-2.0
"""The account as which the service asks a cluster: it has the rights that docs/reference/kubernetes publishes, and no more."""

import asyncio
import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from steering.kubernetes.objects import Kind
from tests.drills.waiting import eventually
from tests.e2e.edge import Edge
from tests.line import Line

PUBLISHED = Path("docs/reference/kubernetes/cluster-role.yaml")
NAME = "edge-relocation"
SECRET, BINDING = Kind("v1", "Secret"), Kind("rbac.authorization.k8s.io/v1", "RoleBinding")
ACCOUNT = Kind("v1", "ServiceAccount")
TRIES, PAUSE_SECONDS = 100, 0.05


@dataclass(frozen=True)
class Account:
    """In one namespace of a cluster."""

    edge: Edge
    namespace: str

    async def grant(self) -> None:
        """Make it, with a token of its own."""
        token = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {
                "name": NAME,
                "namespace": self.namespace,
                "annotations": {"kubernetes.io/service-account.name": NAME},
            },
        }
        for one in [*await asyncio.to_thread(self._published), token]:
            await self.edge.api.apply(one)

    async def kubeconfig(self, folder: Path, line: Line | None = None, name: str = "it") -> Path:
        """A file with its token, which leads through a line, if there is one."""
        server = await self.edge.server()
        if line is not None:
            # The API server's certificate covers loopback.
            server |= {"server": f"https://127.0.0.1:{line.port}"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "it", "cluster": server}],
            "users": [{"name": "it", "user": {"token": await self._token()}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": self.namespace}}],
            "current-context": "it",
        }
        file = folder / f"{name}.kubeconfig"
        await asyncio.to_thread(file.write_text, yaml.safe_dump(content))
        return file

    async def restrict(self) -> None:
        """Take its rights in the namespace away, which the API server takes a moment to notice; it is known as before."""
        await self.edge.api.delete(BINDING, self.namespace, NAME)
        await eventually(self._is_restricted, f"refused what {NAME} may do no more")

    async def revoke(self) -> None:
        """Delete its token: nobody knows it any more."""
        await self.edge.api.delete(SECRET, self.namespace, NAME)

    async def _is_restricted(self) -> bool:
        asked = {"namespace": self.namespace, "verb": "get", "resource": "configmaps"}
        user = f"system:serviceaccount:{self.namespace}:{NAME}"
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}}
        told = await self.edge.api.create(review | {"spec": {"user": user, "resourceAttributes": asked}})
        return not told["status"]["allowed"]

    def _published(self) -> list[dict[str, Any]]:
        """Of this namespace; what is of the whole cluster is called after it, and goes with nobody else's."""
        text = PUBLISHED.read_text().replace("namespace: apps", f"namespace: {self.namespace}")
        found = list(yaml.safe_load_all(text))
        for one in found:
            if one["kind"].startswith("ClusterRole"):
                one["metadata"]["name"] = f"{NAME}-{self.namespace}"
            if one["kind"] == "ClusterRoleBinding":
                one["roleRef"]["name"] = f"{NAME}-{self.namespace}"
        return found

    async def _token(self) -> str:
        for _ in range(TRIES):
            found = await self.edge.api.get(SECRET, self.namespace, NAME)
            if "token" in found.get("data", {}):
                return base64.b64decode(found["data"]["token"]).decode()
            await asyncio.sleep(PAUSE_SECONDS)
        raise TimeoutError(f"{self.namespace}: no token was made for {NAME}")
