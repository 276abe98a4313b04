# SPDX-License-Identifier: Apache-2.0
"""A cluster's own DNS: CoreDNS as a Deployment, at the address where pods ask."""

from pathlib import Path
from string import Template

from tests.testbed.cluster import Cluster

IMAGE = "docker.io/testbed/coredns:1"
_MANIFESTS = Path(__file__).with_name("dns.yaml")
SECONDS = 100
"""Longest time until it answers."""


async def order(cluster: Cluster) -> None:
    """Install it; it runs once there is a node."""
    manifests = Template(_MANIFESTS.read_text()).substitute(address=cluster.host.dns, image=IMAGE)
    await cluster.kubectl("apply", "--server-side", "--filename=-", stdin=manifests)


async def wait(cluster: Cluster) -> None:
    """Wait until it answers.

    Raises:
        CommandFailedError: it does not within `SECONDS`.
    """
    rollout = ("rollout", "status", "deployment/coredns", "--namespace=kube-system", f"--timeout={SECONDS}s")
    await cluster.kubectl(*rollout)
