# SPDX-License-Identifier: Apache-2.0
"""One real Kubernetes cluster in a network namespace of its own: a control plane, and a node where pods shall run."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.testbed import audit, kubeconfig
from tests.testbed.bed import Host
from tests.testbed.commands import run
from tests.testbed.daemons import Daemons
from tests.testbed.namespaces import Namespaces
from tests.testbed.pki import Authority, Pair

PORT = 6443
ADMIN = "admin"
USERS: Mapping[str, tuple[str, Sequence[str]]] = {
    ADMIN: (ADMIN, ("system:masters",)),
    "controller-manager": ("system:kube-controller-manager", ()),
    "scheduler": ("system:kube-scheduler", ()),
    "proxy": ("system:kube-proxy", ()),
}
"""Who speaks with the API server: common name and groups, by the name of the kubeconfig."""


@dataclass
class Cluster:
    """A cluster's control plane. Its processes belong to whoever made `daemons`."""

    host: Host
    namespaces: Namespaces
    programs: Path
    """The folder of Kubernetes' own, and etcd."""
    daemons: Daemons
    authority: Authority = field(init=False)

    @property
    def name(self) -> str:
        """Its, and its node's."""
        return self.host.name

    @property
    def folder(self) -> Path:
        """Where everything of the cluster is."""
        return self.host.bed.folder / self.name

    @property
    def pki(self) -> Path:
        """Where certificates are."""
        return self.folder / "pki"

    @property
    def server(self) -> str:
        """Where its API is."""
        return f"https://{self.host.address}:{PORT}"

    def kubeconfig(self, user: str = ADMIN) -> Path:
        """A user's."""
        return self.folder / f"{user}.kubeconfig"

    async def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """What kubectl printed, as the administrator."""
        return await run(
            str(self.programs / "kubectl"), "--kubeconfig", str(self.kubeconfig()), *arguments, stdin=stdin
        )

    async def start(self) -> None:
        """Start etcd, the API server, the controllers and the scheduler, and wait until the API is ready."""
        for part in (self.pki, self.folder / "etcd"):
            part.mkdir(parents=True)
        self.authority = Authority(self.pki)
        for file, (user, groups) in USERS.items():
            self.introduce(file, self.authority.issue(file, user, groups))
        await self.run("etcd", *self._etcd())
        await self.run("apiserver", *self._apiserver())
        await self.daemons.wait_for(f"{self.name}-apiserver", self._is_ready)
        await self.run("controller-manager", *self._controller_manager())
        await self.run("scheduler", *self._scheduler())

    def introduce(self, user: str, pair: Pair) -> None:
        """Write the kubeconfig of somebody who has this certificate."""
        ca = self.authority.pair.certificate
        kubeconfig.write(self.kubeconfig(user), cluster=self.name, server=self.server, ca=ca, user=user, pair=pair)

    async def run(self, name: str, *argv: str) -> None:
        """Start a daemon in the host's namespaces."""
        await self.daemons.start(f"{self.name}-{name}", self.namespaces.enter(*argv))

    async def get(self, path: str) -> Any:
        """What the API server answers the administrator; None when it does not, or refuses."""
        try:
            async with httpx.AsyncClient(base_url=self.server, verify=self._administrator()) as client:
                answer = await client.get(path)
        except httpx.HTTPError:
            return None
        return (
            (answer.json() if "json" in answer.headers["content-type"] else answer.text) if answer.is_success else None
        )

    def _administrator(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.pair.certificate))
        context.load_cert_chain(self.pki / f"{ADMIN}.crt", self.pki / f"{ADMIN}.key")
        return context

    async def _is_ready(self) -> bool:
        return await self.get("/readyz") is not None

    def _etcd(self) -> Sequence[str]:
        client = "http://127.0.0.1:2379"
        return [
            str(self.programs / "etcd"),
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver(self) -> Sequence[str]:
        names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost", "127.0.0.1"]
        names += [str(self.host.address), str(self.host.services[1])]
        serving = self.authority.issue("apiserver", "kube-apiserver", names=names)
        tokens = self.authority.signing_key("tokens")
        admin = Pair(self.pki / f"{ADMIN}.crt", self.pki / f"{ADMIN}.key")
        return [
            str(self.programs / "kube-apiserver"),
            "--etcd-servers=http://127.0.0.1:2379",
            f"--service-cluster-ip-range={self.host.services}",
            f"--secure-port={PORT}",
            f"--advertise-address={self.host.address}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--client-ca-file={self.authority.pair.certificate}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={tokens.certificate}",
            f"--service-account-signing-key-file={tokens.key}",
            f"--kubelet-client-certificate={admin.certificate}",
            f"--kubelet-client-key={admin.key}",
            # Nodes have no names here: exec and logs would try to resolve them.
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged=true",
            *audit.options(self.host),
        ]

    def _controller_manager(self) -> Sequence[str]:
        return [
            str(self.programs / "kube-controller-manager"),
            f"--kubeconfig={self.kubeconfig('controller-manager')}",
            f"--service-account-private-key-file={self.pki / 'tokens.key'}",
            f"--root-ca-file={self.authority.pair.certificate}",
            f"--cluster-signing-cert-file={self.authority.pair.certificate}",
            f"--cluster-signing-key-file={self.authority.pair.key}",
            "--use-service-account-credentials",
            "--leader-elect=false",
            "--node-monitor-grace-period=16s",
        ]

    def _scheduler(self) -> Sequence[str]:
        kubeconfig = self.kubeconfig("scheduler")
        return [str(self.programs / "kube-scheduler"), f"--kubeconfig={kubeconfig}", "--leader-elect=false"]
