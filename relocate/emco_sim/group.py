# SPDX-License-Identifier: Apache-2.0
"""The life of a deployment intent group: actions, revisions, and a context for each revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from relocate.emco_sim.errors import Refused
from relocate.emco_sim.placement import Cluster, Placement


class State(StrEnum):
    """What was done to a group."""

    CREATED = "Created"
    APPROVED = "Approved"
    INSTANTIATED = "Instantiated"
    UPDATED = "Updated"
    TERMINATED = "Terminated"


class Action(NamedTuple):
    """One thing that was done."""

    state: State
    context: str
    at: datetime
    revision: int

    def written(self) -> Mapping[str, object]:
        """As EMCO's status shows it."""
        when = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"state": self.state, "instance": self.context, "time": when, "revision": self.revision}


@dataclass
class Context:
    """EMCO's AppContext: what one revision puts where."""

    id: str
    revision: int
    placement: Placement
    applied: set[tuple[str, Cluster]] = field(default_factory=set)
    """What has been put there."""
    deleted: set[tuple[str, Cluster]] = field(default_factory=set)
    """What a later one has had removed."""
    failed: str = ""
    superseded: bool = False
    """A later one is in force."""
    terminating: bool = False

    @property
    def wanted(self) -> frozenset[tuple[str, Cluster]]:
        """Every application on every cluster."""
        return frozenset((app, cluster) for app, clusters in self.placement.items() for cluster in clusters)


class Group:
    """One deployment intent group."""

    def __init__(self, at: datetime) -> None:
        """Args: at: when it was created."""
        self.actions = [Action(State.CREATED, "", at, 0)]
        self.contexts: dict[str, Context] = {}

    @property
    def state(self) -> State:
        """What was done last."""
        return self.actions[-1].state

    @property
    def current(self) -> Context | None:
        """The context in force."""
        return self.contexts.get(self.actions[-1].context)

    @property
    def first(self) -> str:
        """Id of its first context since it was instantiated, which EMCO names it by through all updates."""
        first, before = "", State.CREATED
        for action in self.actions:
            if action.state is State.INSTANTIATED and before is not State.UPDATED:
                first = action.context
            before = action.state
        return first

    def approve(self, at: datetime) -> None:
        """Let it be instantiated. Raises Refused."""
        if self.state not in (State.CREATED, State.APPROVED):
            raise Refused(
                HTTPStatus.INTERNAL_SERVER_ERROR, f"DeploymentIntentGroup is in an invalid state: {self.state}"
            )
        self.actions.append(Action(State.APPROVED, "", at, 0))

    def instantiate(self, identity: str, placement: Placement, at: datetime) -> Context:
        """Its first context. Raises Refused."""
        if self.state is State.INSTANTIATED:
            raise Refused(HTTPStatus.CONFLICT, "DeploymentIntentGroup is already instantiated")
        if self.state not in (State.APPROVED, State.TERMINATED):
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "DeploymentIntentGroup is not Approved")
        return self._begin(identity, placement, at)

    def update(self, identity: str, placement: Placement, at: datetime) -> tuple[Context, Context]:
        """The context that was in force, and the new one: always a new one, also when nothing differs. Raises Refused."""
        before = self._in_force()
        before.superseded = True
        self.actions.append(Action(State.UPDATED, before.id, at, before.revision))
        return before, self._begin(identity, placement, at)

    def rollback(self, identity: str, revision: int, at: datetime) -> tuple[Context, Context]:
        """As `update`, to what an earlier revision put where; the intents stay as they are. Raises Refused."""
        self._in_force()
        for context in self.contexts.values():
            if context.revision == revision:
                return self.update(identity, context.placement, at)
        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, f"Revision {revision} not found")

    def terminate(self, at: datetime) -> Context:
        """Nothing of it is wanted any more. Raises Refused."""
        context = self._in_force()
        context.terminating = True
        self.actions.append(Action(State.TERMINATED, context.id, at, context.revision))
        return context

    def written(self) -> Sequence[Mapping[str, object]]:
        """Its actions, as EMCO's status shows them."""
        return [action.written() for action in self.actions]

    def _in_force(self) -> Context:
        context = self.current
        if context is None or self.state is not State.INSTANTIATED:
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "DeploymentIntentGroup is not instantiated")
        return context

    def _begin(self, identity: str, placement: Placement, at: datetime) -> Context:
        revision = max((context.revision for context in self.contexts.values()), default=0) + 1
        context = self.contexts[identity] = Context(identity, revision, placement)
        self.actions.append(Action(State.INSTANTIATED, identity, at, revision))
        return context
