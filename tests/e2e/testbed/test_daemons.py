# SPDX-License-Identifier: Apache-2.0
"""Daemons that are killed, as failure drills do it."""

import os
import signal
import subprocess
import time

import pytest

from tests.programs.build import KUBERNETES, build
from tests.testbed.clusters import Clusters
from tests.testbed.daemons import process

SECONDS, PAUSE_SECONDS = 60.0, 0.05

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("daemon", ["etcd", "apiserver", "containerd", "kubelet"])
def test_killed_daemon_comes_back(edge_clusters: Clusters, daemon: str) -> None:
    """It is another process, and the cluster runs pods as before."""
    bed = edge_clusters.bed
    if bed is None:
        pytest.skip("these clusters are not a test bed's")
    killed = process(bed, "edge-b", daemon)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + SECONDS
    while process(bed, "edge-b", daemon) == killed or not _runs_pods(edge_clusters):
        assert time.monotonic() < deadline, f"{daemon} did not come back"
        time.sleep(PAUSE_SECONDS)


def _runs_pods(clusters: Clusters) -> bool:
    """Whether its API answers, and a pod can be asked through its node."""
    kubectl = [str(build(KUBERNETES) / "kubectl"), "--kubeconfig", str(clusters.edges["edge-b"])]
    asked = [*kubectl, "logs", "--namespace=kube-system", "deployment/coredns", "--tail=1"]
    return subprocess.run(asked, capture_output=True, check=False, timeout=SECONDS).returncode == 0


def test_there_is_no_daemon_of_another_name(edge_clusters: Clusters) -> None:
    """The hub has no node."""
    if edge_clusters.bed is None:
        pytest.skip("these clusters are not a test bed's")
    assert process(edge_clusters.bed, "hub", "kubelet") is None
