# SPDX-License-Identifier: Apache-2.0
"""Kubernetes objects as plain values: what each is called, and in which order kinds are made and removed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from steering.kubernetes.objects import Object

DEFINITION = "CustomResourceDefinition"

FIRST = (
    "Namespace",
    DEFINITION,
    "PriorityClass",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
)
"""What others need, in the order in which it is made."""
LAST = (
    "Ingress",
    "HTTPRoute",
    "GRPCRoute",
    "APIService",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
)
"""What needs others."""


class Reference(NamedTuple):
    """Which object: unique in a cluster."""

    api_version: str
    kind: str
    namespace: str | None
    """None for an object of the whole cluster."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def reference(found: Object) -> Reference:
    """What an object is called."""
    metadata = found["metadata"]
    return Reference(found["apiVersion"], found["kind"], metadata.get("namespace"), metadata["name"])


def in_order(objects: Iterable[Object]) -> Sequence[Object]:
    """As they are made; removed in reverse. Those of one kind stay in the order in which they came."""
    return sorted(objects, key=lambda one: _place(one["kind"]))


def at(found: Object, *path: str, default: Any = None) -> Any:
    """What stands at a path, or the default where a part of it is missing or null."""
    value: Any = found
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return default if value is None else value


def moment(text: str) -> datetime:
    """A point in time as API servers write it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def condition(found: Object, kind: str) -> Mapping[str, str]:
    """The condition of this type in an object's status; empty where it has none."""
    return next((one for one in at(found, "status", "conditions", default=()) if one.get("type") == kind), {})


def _place(kind: str) -> int:
    if kind in FIRST:
        return FIRST.index(kind)
    return len(FIRST) + 1 + LAST.index(kind) if kind in LAST else len(FIRST)
