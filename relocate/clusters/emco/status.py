# SPDX-License-Identifier: Apache-2.0
"""Reading `GET .../status` of a deployment intent group (pure).

EMCO's own summary is not to be trusted: a filter that matches nothing is *Ready*, and so is a group right after an update (measured). So
each claim here is a positive one, about entries that are there.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from relocate.clusters.contract import InstanceState
from relocate.clusters.emco.placement import Place

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod"})
"""Kinds that run something, and that EMCO's monitor knows."""
IN_FORCE = "Instantiated"
STOPPED = "InstantiateStopped"
FAILED = frozenset({"InstantiateFailed", "UpdateFailed", "UpdatedFailed"})
DELETED = "Deleted"

T = TypeVar("T")
_Listed = Annotated[Sequence[T], BeforeValidator(lambda value: () if value is None else value)]
"""Go writes an empty list as null."""


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Kind(_Read):
    """A resource's GVK."""

    kind: str = Field(alias="Kind")


class Resource(_Read):
    """One resource of an app on a cluster."""

    gvk: Kind = Field(alias="GVK")
    name: str
    ready: str = Field(default="", alias="readyStatus")
    deployed: str = Field(default="", alias="deployedStatus")

    def __str__(self) -> str:
        return f"{self.gvk.kind} {self.name}"


class OnCluster(_Read):
    """An app on one cluster."""

    provider: str = Field(alias="clusterProvider")
    cluster: str
    connectivity: str = ""
    resources: _Listed[Resource] = ()

    @property
    def place(self) -> Place:
        """Where."""
        return Place(self.provider, self.cluster)


class App(_Read):
    """An app of the group."""

    name: str
    clusters: _Listed[OnCluster] = ()


class Action(_Read):
    """One thing that was done to the group."""

    state: str
    context: str = Field(default="", alias="instance")
    revision: int = 0


class _States(_Read):
    first: str = Field(default="", alias="statusctxid")
    actions: _Listed[Action] = ()


class Status(_Read):
    """What EMCO says of a group, or of one of its contexts."""

    states: _States
    deployed: str = Field(default="", alias="deployedStatus")
    apps: _Listed[App] = ()

    @property
    def last(self) -> Action | None:
        """What was done last; None: nothing was."""
        return self.states.actions[-1] if self.states.actions else None

    @property
    def done(self) -> str:
        """What was done last, in EMCO's word."""
        return self.last.state if self.last is not None else "nothing"

    @property
    def revision(self) -> int:
        """The revision in force; 0 where none is."""
        last = self.last
        return last.revision if last is not None and last.state in (IN_FORCE, STOPPED) else 0

    @property
    def settled(self) -> bool:
        """Whether what was ordered last is carried out."""
        return self.revision > 0 and self.deployed == IN_FORCE

    def contexts(self, below: int) -> Sequence[Action]:
        """Revisions that were in force before this one, the latest first."""
        before = (one for one in self.states.actions if one.state == IN_FORCE and one.revision < below)
        return sorted(before, key=lambda one: one.revision, reverse=True)

    def running(self, app: str) -> Sequence[Place]:
        """Clusters on which the context has an app."""
        return [one.place for found in self.apps if found.name == app for one in found.clusters]

    def entries(self, apps: Collection[str], place: Place) -> Sequence[tuple[str, OnCluster]]:
        """Those of these apps that the context has on a cluster."""
        return [(app.name, one) for app in self.apps if app.name in apps for one in app.clusters if one.place == place]


def read(body: Any) -> Status:
    """What EMCO answered. Raises ValidationError where it is something else."""
    return Status.model_validate(body)


def standing(status: Status, apps: Collection[str], place: Place, revision: int) -> tuple[InstanceState, str]:
    """How these apps are on a cluster, and why they do not run if they do not.

    Args:
        status: of the group, with `status=ready`.
        apps: that must all be there.
        place: the cluster.
        revision: the one that put them there, or a later one.
    """
    if status.revision == 0:
        return InstanceState.UNKNOWN, f"EMCO's group is not instantiated: {status.done} was done last"
    if status.revision < revision:
        return InstanceState.STARTING, f"EMCO is at revision {status.revision}, {revision} is awaited"
    if status.deployed in FAILED:
        return InstanceState.FAILED, f"EMCO says {status.deployed} of revision {status.revision}"
    if status.deployed != IN_FORCE:
        return InstanceState.STARTING, f"EMCO says {status.deployed or 'nothing'} of revision {status.revision}"
    entries = dict(status.entries(apps, place))
    missing = sorted(set(apps) - set(entries))
    if missing:
        what = f"EMCO's revision {status.revision} has {', '.join(missing)} not on {place}"
        return InstanceState.ABSENT, what
    reasons = [reason for app in sorted(apps) if (reason := _why_not_ready(app, entries[app]))]
    lost = [one for one in entries.values() if one.connectivity != "Available"]
    state = InstanceState.UNKNOWN if lost else InstanceState.STARTING
    return (state, reasons[0]) if reasons else (InstanceState.RUNNING, "")


def why_not_deleted(context: Status, apps: Collection[str], place: Place) -> str | None:
    """Why something of these apps may be left on a cluster by what a context that is over says, or None.

    Args:
        context: with `status=deployed`; of one that has the apps there.
        apps: that are looked for.
        place: the cluster.
    """
    left = [
        f"{one} of {app} is {one.deployed or 'unknown'}"
        for app, entry in context.entries(apps, place)
        for one in entry.resources
        if one.deployed != DELETED
    ]
    empty = [app for app, entry in context.entries(apps, place) if not entry.resources]
    reasons = left + [f"nothing is said of {app}" for app in empty]
    return "; ".join(reasons) if reasons else None


def _why_not_ready(app: str, entry: OnCluster) -> str | None:
    if entry.connectivity != "Available":
        return f"EMCO's connection to {entry.place} is {entry.connectivity or 'not spoken of'}"
    if not any(one.gvk.kind in WORKLOADS for one in entry.resources):
        return f"EMCO shows no workload of {app} on {entry.place}"
    behind = [f"{one} is {one.ready or 'unknown'}" for one in entry.resources if one.ready != "Ready"]
    return f"EMCO says that {', '.join(behind)}" if behind else None
