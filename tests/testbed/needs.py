# SPDX-License-Identifier: Apache-2.0
"""What a machine needs for clusters of its own, and what of it is not there."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PACKAGES = ("containerd", "runc", "containernetworking-plugins", "iproute2", "nftables", "conntrack")
"""Debian's names."""
INSTALL = (
    ("apt-get", "update", "--quiet"),
    ("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *PACKAGES),
)
"""How to get them."""
COMMANDS = ("containerd", "ctr", "runc", "ip", "nsenter", "unshare", "nft", "conntrack")
PLUGINS = Path("/usr/lib/cni")
GROUPS = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer", "blkio")
"""Control groups of version 1 that the kubelet uses."""


def missing() -> Sequence[str]:
    """A noun phrase for each need that is not met; empty where clusters can be made."""
    return [*_platform(), *_programs(), *_groups()]


def _platform() -> Iterator[str]:
    if sys.platform != "linux":
        yield "Linux"
    if os.geteuid() != 0:
        yield "root, who alone can make network namespaces and containers"


def _programs() -> Iterator[str]:
    absent = [one for one in COMMANDS if shutil.which(one) is None]
    if not (PLUGINS / "bridge").exists():
        absent.append(str(PLUGINS / "bridge"))
    if absent:
        yield f"{', '.join(absent)} (Debian's {', '.join(PACKAGES)}; `python -m tests.testbed install` gets them)"
    if shutil.which("go") is None:
        yield "go 1.26, to build Kubernetes"


def _groups() -> Iterator[str]:
    absent = [one for one in CONTROLLERS if not (GROUPS / one / "cgroup.procs").exists()]
    if absent:
        yield f"control groups of version 1 ({', '.join(absent)}); with version 2, use E2E_CLUSTERS=kind"
