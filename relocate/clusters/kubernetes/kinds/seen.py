# SPDX-License-Identifier: Apache-2.0
"""What was seen of an instance, and what is made of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from relocate.clusters.contract import InstanceState
from relocate.clusters.kubernetes.objects import at
from steering.kubernetes.objects import Object


class Judged(NamedTuple):
    """Where an object stands."""

    state: InstanceState
    """`running`, `starting`, or `failed`: it will not get ready by itself any more."""
    reason: str = ""
    """One sentence; empty when it is running."""


RUNNING = Judged(InstanceState.RUNNING)


def waiting(reason: str) -> Judged:
    """It may still get ready."""
    return Judged(InstanceState.STARTING, reason)


def failed(reason: str) -> Judged:
    """It will not."""
    return Judged(InstanceState.FAILED, reason)


@dataclass(frozen=True)
class Seen:
    """Everything of one instance at one moment."""

    now: datetime
    pods: Sequence[Object] = ()
    slices: Sequence[Object] = ()
    """EndpointSlices."""
    events: Sequence[Object] = ()
    patience_seconds: float = 60.0
    """How long a container may fail in the same way before nobody waits for it any more."""

    def pods_of(self, owner: Object) -> Iterator[Object]:
        """Pods that a workload's selector picks and that are not on their way out."""
        wanted = at(owner, "spec", "selector", "matchLabels", default={})
        for pod in self.pods:
            labels = at(pod, "metadata", "labels", default={})
            if wanted and wanted.items() <= labels.items() and not at(pod, "metadata", "deletionTimestamp"):
                yield pod

    def told_of(self, found: Object, *reasons: str) -> str:
        """The newest event of an object with one of these reasons, in its own words; empty where there is none."""
        uid = at(found, "metadata", "uid")
        mine = [one for one in self.events if at(one, "involvedObject", "uid") == uid and one.get("reason") in reasons]
        newest = max(mine, key=lambda one: str(one.get("lastTimestamp") or one.get("eventTime") or ""), default=None)
        return " ".join(str(newest.get("message", "")).split()) if newest else ""
