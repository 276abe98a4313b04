# SPDX-License-Identifier: Apache-2.0
"""What the pods of a workload ask of a cluster, reckoned from its manifest (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from relocate.clusters.kubernetes.objects import at, reference
from steering.kubernetes.objects import Object

WORKLOADS = ("Deployment", "StatefulSet", "Job", "ReplicaSet")
"""Whose number of pods a manifest says; a DaemonSet's is its cluster's."""
_QUOTA_NAMES = {"cpu": "requests.cpu", "memory": "requests.memory"}
"""Short names in quotas (kubernetes.io, "Resource Quotas")."""

Amounts = Mapping[str, Decimal]


@dataclass(frozen=True)
class PodsWanted:
    """The pods of one workload."""

    of: str
    """Kind and name of the workload."""
    namespace: str
    count: int
    each: Amounts
    """What one pod asks for, by the name that quotas have for it: `requests.cpu` (cores), `limits.memory` (bytes)."""
    pull_secrets: Sequence[str] = ()

    def fits(self, allocatable: Mapping[str, str]) -> bool:
        """Whether one of them has room on an empty node."""
        asked = {
            name.removeprefix("requests."): value for name, value in self.each.items() if name.startswith("requests.")
        }
        return all(value <= _amount(allocatable.get(name, "0")) for name, value in asked.items())

    def asks(self) -> str:
        """What one asks for, in words."""
        return ", ".join(
            f"{name.removeprefix('requests.')} {_plain(value)}"
            for name, value in self.each.items()
            if name.startswith("requests.")
        )


def wanted_of(found: Object) -> PodsWanted | None:
    """The pods of a workload, or None for an object that has none of its own."""
    if found["kind"] == "Pod":
        spec, count = found.get("spec", {}), 1
    elif found["kind"] in WORKLOADS:
        spec = at(found, "spec", "template", "spec", default={})
        count = at(found, "spec", "parallelism" if found["kind"] == "Job" else "replicas", default=1)
    else:
        return None
    secrets = [one["name"] for one in spec.get("imagePullSecrets") or ()]
    return PodsWanted(str(reference(found)), found["metadata"]["namespace"], count, _each(spec), secrets)


def lacking(quota: Object, pods: Sequence[PodsWanted]) -> Iterator[str]:
    """What a quota has too little of, a sentence each; quotas with scopes are left to the API server."""
    if at(quota, "spec", "scopes") or at(quota, "spec", "scopeSelector"):
        return
    hard, used = at(quota, "status", "hard", default={}), at(quota, "status", "used", default={})
    for name, limit in hard.items():
        left = _amount(limit) - _amount(used.get(name, "0"))
        asked = _asked(_QUOTA_NAMES.get(name, name), pods)
        if asked > left:
            yield f"quota {quota['metadata']['name']} leaves {_plain(max(left, Decimal(0)))} of {name}; the pods ask for {_plain(asked)}"


def _amount(written: str) -> Decimal:
    """`500m`, `64Mi`: in cores, bytes or pieces."""
    amount: Decimal = parse_quantity(written)  # type: ignore[no-untyped-call]
    return amount


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _asked(name: str, pods: Sequence[PodsWanted]) -> Decimal:
    if name in ("pods", "count/pods"):
        return Decimal(sum(one.count for one in pods))
    return sum((one.count * one.each.get(name, Decimal(0)) for one in pods), Decimal(0))


def _each(spec: Mapping[str, Any]) -> Amounts:
    """As the scheduler reckons: the sum of the containers, or the largest init container where that is more."""
    running, starting = (list(spec.get(key) or ()) for key in ("containers", "initContainers"))
    # An init container that restarts always is a sidecar, and runs along.
    running += [one for one in starting if one.get("restartPolicy") == "Always"]
    names = {name for one in (*running, *starting) for name in _of(one)}
    return {
        name: max(
            sum((_of(one).get(name, Decimal(0)) for one in running), Decimal(0)),
            max((_of(one).get(name, Decimal(0)) for one in starting), default=Decimal(0)),
        )
        for name in sorted(names)
    }


def _of(container: Mapping[str, Any]) -> dict[str, Decimal]:
    said = container.get("resources") or {}
    limits, requests = said.get("limits") or {}, said.get("requests") or {}
    # A request that is not said is its limit.
    found = {f"requests.{name}": value for name, value in {**limits, **requests}.items()}
    found |= {f"limits.{name}": value for name, value in limits.items()}
    return {name: _amount(value) for name, value in found.items()}
