# SPDX-License-Identifier: Apache-2.0
"""Clusters that kind makes (kubernetes-sigs/kind), for machines with Docker.

Written from kind's documentation and not run where it was written: no image can be pulled there.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

PROGRAMS = ("docker", "kind")
WAIT = "180s"
"""For a node to be ready."""


def missing() -> Sequence[str]:
    """A noun phrase for each need that is not met."""
    return [f"{one}, for E2E_CLUSTERS=kind" for one in PROGRAMS if shutil.which(one) is None]


def creating(name: str, kubeconfig: Path) -> Sequence[str]:
    """The command that makes a cluster and writes its kubeconfig."""
    return ["kind", "create", "cluster", "--name", name, "--kubeconfig", str(kubeconfig), "--wait", WAIT]


def loading(name: str, archive: Path) -> Sequence[str]:
    """The command that makes an archive's images known to a cluster."""
    return ["kind", "load", "image-archive", str(archive), "--name", name]


def deleting(name: str, kubeconfig: Path) -> Sequence[str]:
    """The command that removes a cluster; one that is not there is fine."""
    return ["kind", "delete", "cluster", "--name", name, "--kubeconfig", str(kubeconfig)]
