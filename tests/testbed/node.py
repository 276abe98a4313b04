# SPDX-License-Identifier: Apache-2.0
"""A cluster's one node: containerd, kubelet and kube-proxy, in the namespaces of the cluster's host.

Each odd setting is there because the plain one failed on a machine like those of the CI; the reason stands beside it.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.testbed.bed import Host
from tests.testbed.cluster import Cluster
from tests.testbed.commands import run
from tests.testbed.groups import Groups
from tests.testbed.needs import PLUGINS

PAUSE = "docker.io/testbed/pause:1"
"""The image of what holds a pod's namespaces."""


def importing(host: Host, archive: Path) -> Sequence[str]:
    """The command that makes the images in an archive known to a host's node."""
    return ["ctr", "--address", str(_socket(host)), "--namespace", "k8s.io", "images", "import", str(archive)]


def _socket(host: Host) -> Path:
    """Where its containerd is asked: a private folder of the host's, seen from outside."""
    return host.bed.folder / host.name / "run" / "containerd" / "containerd.sock"


async def _listens(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    writer.close()
    return True


@dataclass
class Node:
    """Runs the pods of one cluster."""

    cluster: Cluster

    @property
    def folder(self) -> Path:
        """Where its settings are."""
        return self.cluster.folder / "node"

    @property
    def groups(self) -> Groups:
        """The control groups of its pods."""
        return Groups(self.cluster.host.label)

    async def prepare(self, images: Sequence[Path]) -> None:
        """Start containerd, with these image archives loaded; this needs no API server."""
        self.folder.mkdir(parents=True)
        self.groups.make()
        (self.folder / "cni").mkdir()
        (self.folder / "cni" / "10-bridge.conflist").write_text(json.dumps(self._network()))
        await self._start_containerd()
        for archive in images:
            await run(*importing(self.cluster.host, archive))

    async def join(self) -> None:
        """Become the node of the cluster, whose API is ready."""
        await self._start_kubelet()
        await self._start_proxy()
        await self.cluster.daemons.wait_for(f"{self.cluster.name}-kubelet", self._is_ready)

    async def _start_containerd(self) -> None:
        config = self.folder / "containerd.toml"
        config.write_text(
            _CONTAINERD.format(folder=self.folder, plugins=PLUGINS, pause=PAUSE.removeprefix("docker.io/"))
        )
        await self.cluster.run("containerd", "containerd", "--config", str(config))
        socket = _socket(self.cluster.host)
        await self.cluster.daemons.wait_for(f"{self.cluster.name}-containerd", lambda: _listens(socket))

    async def _start_kubelet(self) -> None:
        name, address = self.cluster.name, str(self.cluster.host.address)
        authority = self.cluster.authority
        self.cluster.introduce("kubelet", authority.issue("kubelet", f"system:node:{name}", ["system:nodes"]))
        authority.issue("kubelet-serving", f"system:node:{name}", ["system:nodes"], [address, name])
        config = self.folder / "kubelet.yaml"
        config.write_text(yaml.safe_dump(self._kubelet()))
        await self.cluster.run(
            "kubelet",
            str(self.cluster.programs / "kubelet"),
            f"--config={config}",
            f"--kubeconfig={self.cluster.kubeconfig('kubelet')}",
            f"--hostname-override={name}",
            f"--node-ip={address}",
        )

    async def _start_proxy(self) -> None:
        role = ("clusterrolebinding", "testbed-proxy", "--clusterrole=system:node-proxier", "--user=system:kube-proxy")
        await self.cluster.kubectl("create", *role)
        await self.cluster.run(
            "proxy",
            str(self.cluster.programs / "kube-proxy"),
            f"--kubeconfig={self.cluster.kubeconfig('proxy')}",
            "--proxy-mode=nftables",
            f"--cluster-cidr={self.cluster.host.pods}",
            f"--hostname-override={self.cluster.name}",
            "--conntrack-max-per-core=0",
        )

    async def _is_ready(self) -> bool:
        node = await self.cluster.get(f"/api/v1/nodes/{self.cluster.name}") or {}
        conditions = node.get("status", {}).get("conditions", ())
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def _network(self) -> Mapping[str, Any]:
        ranges = [[{"subnet": str(self.cluster.host.pods)}]]
        ipam = {
            "type": "host-local",
            "ranges": ranges,
            "routes": [{"dst": "0.0.0.0/0"}],
        }
        # Without masquerading a pod's own address reaches other clusters and this machine.
        bridge = {
            "type": "bridge",
            "bridge": "pods",
            "isGateway": True,
            "ipMasq": False,
            "hairpinMode": True,
            "ipam": ipam,
        }
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}

    def _kubelet(self) -> Mapping[str, Any]:
        pki = self.cluster.pki
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(pki / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(pki / "kubelet-serving.crt"),
            "tlsPrivateKeyFile": str(pki / "kubelet-serving.key"),
            "clusterDNS": [str(self.cluster.host.dns)],
            "clusterDomain": "cluster.local",
            "volumePluginDir": "/var/lib/kubelet/plugins",
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.groups.name}",
            "enforceNodeAllocatable": [],
            # The kubelet of today refuses control groups of version 1 unless it is told otherwise.
            "failCgroupV1": False,
            "failSwapOn": False,
            # The machine's own resolvers are none of a pod's business.
            "resolvConf": "",
            # A full disk of this machine must not evict pods.
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "0%",
                "imagefs.available": "0%",
                "nodefs.inodesFree": "0%",
            },
            "imageGCHighThresholdPercent": 100,
            "localStorageCapacityIsolation": False,
            "nodeStatusUpdateFrequency": "4s",
            "syncFrequency": "10s",
        }


_CONTAINERD = """\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
disable_hugetlb_controller = true
tolerate_missing_hugetlb_controller = true
# Where CAP_SYS_RESOURCE is missing, runc otherwise dies with "can't get final child's PID from pipe".
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd/opt"
"""
