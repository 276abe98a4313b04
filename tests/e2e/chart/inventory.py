# SPDX-License-Identifier: Apache-2.0
"""Every object of a cluster, by kind, namespace and name."""

import asyncio
import subprocess
from pathlib import Path

from tests.e2e.edge import Edge
from tests.programs.build import KUBERNETES, build

MOMENTARY = ("events", "events.events.k8s.io", "leases.coordination.k8s.io", "ipaddresses.networking.k8s.io")
"""What a cluster makes of itself, all the time, or for each Service."""
COLUMNS = "KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name"
SECONDS = 60.0

Objects = frozenset[tuple[str, str, str]]


async def objects(edge: Edge, labels: str = "") -> Objects:
    """Those of every kind that the cluster knows, or those with these labels."""
    return await asyncio.to_thread(_objects, edge.kubeconfig, labels)


def _objects(kubeconfig: Path, labels: str) -> Objects:
    kinds = _kubectl(kubeconfig, "api-resources", "--verbs", "list", "--output", "name").split()
    chosen = ",".join(sorted(set(kinds) - set(MOMENTARY)))
    wanted = ("--all-namespaces", "--no-headers", "--selector", labels, "--output", f"custom-columns={COLUMNS}")
    lines = _kubectl(kubeconfig, "get", chosen, *wanted).splitlines()
    return frozenset((kind, namespace, name) for kind, namespace, name in map(str.split, lines))


def _kubectl(kubeconfig: Path, *arguments: str) -> str:
    command = [str(build(KUBERNETES) / "kubectl"), "--kubeconfig", str(kubeconfig), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
