# SPDX-License-Identifier: Apache-2.0
"""What a test bed could leave on a machine, as lines of text that can be compared."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.testbed.bed import VARIABLE, Bed
from tests.testbed.namespaces import SETTINGS
from tests.testbed.needs import GROUPS

FOLDERS = ("/run", "/run/netns", "/var/lib", "/var/log", "/var/cache", "/etc", "/opt")
"""What is directly in them."""
TREES = (
    *("/run/containerd", "/run/runc", "/var/lib/cni", "/var/lib/kubelet", "/var/lib/containerd", "/etc/cni"),
    *("/var/log/containers", "/var/log/pods", "/usr/libexec/kubernetes"),
)
"""What is anywhere in them; most machines have none of these."""
COMMANDS = (
    ("ip", "-oneline", "link", "show"),
    ("ip", "-oneline", "address", "show"),
    ("ip", "route", "show", "table", "all"),
    ("ip", "rule", "show"),
    ("nft", "list", "ruleset"),
)
KUBERNETES = r"kube|\bcni\b|containerd|runc\b|netns/|\bpods\b|coredns"
"""Of links, mounts, control groups, nftables and folders: what a cluster would make outside of its hosts' own namespaces."""
LIFETIMES = re.compile(r"(valid_lft|preferred_lft|expires) \S+")


def look(bed: Bed) -> frozenset[str]:
    """What counts: what names this bed, or is of a kind that only Kubernetes makes. Other rigs come and go meanwhile."""
    ours = re.compile(rf"\b{bed.name}\b|\b198\.1[89]\.{bed.number}\d\.|{KUBERNETES}")
    others = re.compile(rf"testbed(?!{bed.number}\b)|edge-relocation-(?!{bed.name}\b)")
    named = frozenset(line for line in _named() if ours.search(line) and not others.search(line))
    return named | frozenset(_settings()) | frozenset(_said("process", _processes(bed)))


def _named() -> Iterator[str]:
    for command in COMMANDS:
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        yield from _said(" ".join(command), LIFETIMES.sub("", printed).splitlines())
    yield from _said("mounted", Path("/proc/self/mounts").read_text().splitlines())
    for folder in FOLDERS:
        yield from _said("there is", map(str, Path(folder).iterdir() if Path(folder).exists() else ()))
    for tree in (*TREES, str(GROUPS)):
        yield from _said("there is", (below for below, _, _ in os.walk(tree)))


def _settings() -> Iterator[str]:
    return (f"{name}: {Path('/proc/sys', name).read_text().strip()}" for name in ("net/ipv4/ip_forward", *SETTINGS))


def _said(by: str, lines: Iterable[str]) -> Iterator[str]:
    return (f"{by}: {line.strip()}" for line in lines)


def _processes(bed: Bed) -> Iterator[str]:
    """Those that it started, directly or not: they have its number in their environment, or are in its control groups."""
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and process.name != str(os.getpid()):
            with suppress(OSError):
                environment = (process / "environ").read_bytes().split(b"\0")
                groups = (process / "cgroup").read_text()
                if f"{VARIABLE}={bed.number}".encode() in environment or f"/{bed.name}-" in groups:
                    yield f"{process.name} {(process / 'comm').read_text()}"
