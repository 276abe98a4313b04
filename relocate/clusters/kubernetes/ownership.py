# SPDX-License-Identifier: Apache-2.0
"""Whose an object is, by labels of ours (pure); the marks of others are in `steering.kubernetes.keepers`."""

import hashlib
from collections.abc import Mapping
from typing import Any

from relocate.clusters.kubernetes.objects import at
from steering.kubernetes.objects import Object

APPLICATION = "relocation.edge/application"
INSTANCE = "relocation.edge/instance"
CLUSTER = "relocation.edge/cluster"
"""The configured name, so that a pod can be told where it is (`fieldRef`)."""
MANAGER = "edge-relocation"
"""Our name as a field manager."""
LONGEST_LABEL, DIGEST = 63, 10


def labels_of(application: str, instance: str) -> dict[str, str]:
    """What everything of an instance carries."""
    return {APPLICATION: application, INSTANCE: label_of(instance)}


def owned(found: Object, labels: Mapping[str, str], anchor: Mapping[str, Any]) -> dict[str, Any]:
    """The object as we apply it: with labels of ours, on its pods too, and with the anchor as its owner."""
    metadata = {**found["metadata"], "labels": {**at(found, "metadata", "labels", default={}), **labels}}
    if metadata.get("namespace") == anchor["metadata"]["namespace"]:
        metadata["ownerReferences"] = [*at(found, "metadata", "ownerReferences", default=()), _owner(anchor)]
    made = {**found, "metadata": metadata}
    template = at(found, "spec", "template")
    if isinstance(template, Mapping) and "spec" in template and found["kind"] != "CronJob":
        inner = {**template.get("metadata", {}), "labels": {**at(template, "metadata", "labels", default={}), **labels}}
        made["spec"] = {**found["spec"], "template": {**template, "metadata": inner}}
    return made


def label_of(name: str) -> str:
    """A name as the value of a label, which takes 63 characters; a longer name ends in a digest of itself."""
    if len(name) <= LONGEST_LABEL:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGEST]
    return f"{name[: LONGEST_LABEL - DIGEST - 1]}-{digest}"


def is_of(found: Object, instance: str) -> bool:
    """Whether an object is of this instance of ours."""
    return owner_named(found) == label_of(instance)


def owner_named(found: Object) -> str | None:
    """The label of the instance of ours that an object belongs to; None when it is not ours."""
    named: str | None = at(found, "metadata", "labels", INSTANCE)
    return named


def _owner(anchor: Mapping[str, Any]) -> dict[str, Any]:
    metadata = anchor["metadata"]
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": metadata["name"], "uid": metadata["uid"]}
