# SPDX-License-Identifier: Apache-2.0
"""What an instance is, kept in the cluster: one ConfigMap that owns everything of it, and by which late orders are refused.

An API server compares and sets one object, not a deployment of twelve. So whoever changes an instance first writes its fence into
the anchor, and everything of the instance names the anchor's uid as its owner. A removal replaces the anchor by a *tombstone*
with another uid: a late attempt that passed the fence before it froze can only make objects whose owner is gone, and the
cluster's garbage collector takes those away.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from relocate.clusters.kubernetes.endpoints import Place
from relocate.clusters.kubernetes.objects import Reference
from relocate.clusters.kubernetes.ownership import label_of, labels_of
from relocate.clusters.kubernetes.settings import FIELD
from relocate.errors import InvalidWorkload
from steering.kubernetes.objects import Kind, Object
from steering.model import Fence

CONFIG_MAP = Kind("v1", "ConfigMap")
PREFIX = "relocation-"
STAGE = "relocation.edge/stage"
"""Label by which tombstones are found."""


class Stage(StrEnum):
    """What an instance's anchor says of it."""

    DEPLOYING = "deploying"
    """What is named may not be there yet."""
    DEPLOYED = "deployed"
    REMOVING = "removing"
    """Nothing of it shall be left."""
    REMOVED = "removed"
    """A tombstone."""


@dataclass(frozen=True)
class Made:
    """One object of an instance; `uid` and `generation` once it has been applied."""

    reference: Reference
    uid: str | None = None
    generation: int = 0


@dataclass(frozen=True)
class Contents:
    """What an instance is to be."""

    inventory: tuple[Made, ...] = ()
    ports: Mapping[str, Place] = field(default_factory=dict)
    """By the route's port name."""
    capacity: float = 1.0
    """Of one ready pod, in the application's own unit."""
    digest: str = ""
    """Of what the application said: a name stands for one instance, and is never given to another one."""
    pods: tuple[str, ...] | None = None
    """Selectors of the pods of an instance that was adopted, as they carry no label of ours; None for one that was deployed."""


@dataclass(frozen=True)
class Anchor:
    """An instance's anchor as it stands in the cluster."""

    namespace: str
    application: str
    instance: str
    fence: Fence
    stage: Stage
    contents: Contents = Contents()
    uid: str = ""
    resource_version: str = ""

    @staticmethod
    def is_one(found: Object) -> bool:
        """Whether a ConfigMap is an anchor, and not one of an instance's own."""
        return STAGE in found["metadata"]["labels"]

    @classmethod
    def read(cls, found: Object) -> Self:
        """From the ConfigMap."""
        metadata, said = found["metadata"], json.loads(found["data"]["instance"])
        return cls(
            namespace=metadata["namespace"],
            application=said["application"],
            instance=said["instance"],
            fence=Fence(lease=said["lease"], sequence=said["sequence"]),
            stage=Stage(said["stage"]),
            contents=Contents(
                inventory=tuple(
                    Made(Reference(*one["of"]), one["uid"], one["generation"]) for one in said["inventory"]
                ),
                ports={name: Place(*place) for name, place in said["ports"].items()},
                capacity=said["capacity"],
                digest=said["digest"],
                pods=None if said.get("pods") is None else tuple(said["pods"]),
            ),
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
        )

    def together(self, wanted: Contents) -> Contents:
        """What it is to be, and what is there of it: that stays in the inventory, for it has to be removed one day.

        Raises:
            InvalidWorkload: it is another instance than what is wanted.
        """
        if self.stage is Stage.REMOVED:
            return wanted
        if self.contents.digest and self.contents.digest != wanted.digest:
            raise InvalidWorkload(f"{FIELD}: {self.instance} exists with other settings", field=FIELD)
        known = {one.reference: one for one in (*wanted.inventory, *self.contents.inventory)}
        return replace(wanted, inventory=tuple(known.values()))

    def body(self) -> dict[str, Any]:
        """The ConfigMap; with uid and version where it is to replace another."""
        said = {
            "application": self.application,
            "instance": self.instance,
            "lease": self.fence.lease,
            "sequence": self.fence.sequence,
            "stage": self.stage,
            "inventory": [
                {"of": list(one.reference), "uid": one.uid, "generation": one.generation}
                for one in self.contents.inventory
            ],
            "ports": self.contents.ports,
            "capacity": self.contents.capacity,
            "digest": self.contents.digest,
            "pods": self.contents.pods,
        }
        known = {"uid": self.uid, "resourceVersion": self.resource_version}
        labels = {**labels_of(self.application, self.instance), STAGE: self.stage}
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name_of(self.instance),
                "namespace": self.namespace,
                "labels": labels,
                **{key: value for key, value in known.items() if value},
            },
            "data": {"instance": json.dumps(said)},
        }


def name_of(instance: str) -> str:
    """What an instance's anchor is called."""
    return f"{PREFIX}{label_of(instance)}"
