# SPDX-License-Identifier: Apache-2.0
"""What a cluster's API server writes down: who asked for what, but for the cluster's own parts.

One line of JSON (`audit.k8s.io/v1`, level Metadata) for each request, when it was answered, or for a watch when it began.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.testbed.bed import Bed, Host

KUBECTL, OURS = "kubectl", "python"
"""What tells clients apart: a word of the name that they give (User-Agent)."""
OWN_USERS = ("system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy")
OWN_GROUPS = ("system:nodes", "system:serviceaccounts:kube-system")
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [
        {"level": "None", "users": OWN_USERS},
        {"level": "None", "userGroups": OWN_GROUPS},
        {"level": "Metadata", "omitStages": ["RequestReceived"]},
    ],
}


def log(host: Host) -> Path:
    """Where a host's API server writes it."""
    return host.bed.folder / host.name / "audit.jsonl"


def options(host: Host) -> Sequence[str]:
    """What its API server is told; its folder is there."""
    policy = log(host).with_name("audit-policy.json")
    policy.write_text(json.dumps(POLICY))
    return [f"--audit-policy-file={policy}", f"--audit-log-path={log(host)}"]


@dataclass
class Audited:
    """What clients of one name have asked since the block was entered, by cluster."""

    bed: Bed
    client: str
    """Word in the client's name."""
    counted: dict[str, Counter[str]] = field(default_factory=dict)
    """By cluster, then by verb and resource; once the block is over."""
    _from: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._from = {host.name: log(host).stat().st_size for host in self.bed.hosts}
        return self

    def __exit__(self, *_: object) -> None:
        self.counted = {host.name: self._count(host) for host in self.bed.hosts}

    def of(self, *clusters: str) -> int:
        """Requests to these clusters together."""
        return sum(self.counted[one].total() for one in clusters)

    def _count(self, host: Host) -> Counter[str]:
        events = {one["auditID"]: one for one in _written(log(host), self._from[host.name])}
        return Counter(_in_words(one) for one in events.values() if self.client in one.get("userAgent", "").lower())


def _written(file: Path, since: int) -> Iterator[Mapping[str, Any]]:
    """Whole lines after a place in a log."""
    with file.open("rb") as opened:
        opened.seek(since)
        for line in opened:
            if line.endswith(b"\n"):
                yield json.loads(line)


def _in_words(event: Mapping[str, Any]) -> str:
    """Verb and resource; what is no resource by its path."""
    resource = event.get("objectRef", {}).get("resource")
    return f"{event['verb']} {resource or event['requestURI'].partition('?')[0]}"
