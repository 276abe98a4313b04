# SPDX-License-Identifier: Apache-2.0
"""The cluster driver: seven methods between the orchestrator and one place where instances run."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from relocate.model.values import Payload
from steering.model import Endpoint, Fence


class InstanceState(StrEnum):
    """What a driver sees of one instance."""

    ABSENT = "absent"
    STARTING = "starting"
    RUNNING = "running"
    """It runs, as far as the driver can tell. Whether it *serves* is the readiness gate's business."""
    FAILED = "failed"
    """It will not run by itself any more."""
    STOPPING = "stopping"
    UNKNOWN = "unknown"


class Workload(Payload):
    """What to run: one application's part for this kind of driver."""

    application: str
    instance: str
    """Unique name of this instance; deploying the same name again is the same instance."""
    ports: tuple[str, ...]
    """Named ports that the instance must offer."""
    settings: Mapping[str, Any]
    """The application's `workloads[driver]`."""


class Observation(Payload):
    """What a driver sees of one instance now."""

    state: InstanceState
    reason: str = ""
    """Why it does not run, in one sentence taken from the cluster's own words."""
    endpoints: dict[str, tuple[Endpoint, ...]] = Field(default_factory=dict)
    """By port name; complete when `state` is running."""
    capacity: float | None = None
    """What this instance can serve, in the application's own unit; None is unknown."""


class Plan(Payload):
    """What a deploy would do, without doing it."""

    creates: tuple[str, ...] = ()
    """Instances; empty where it is there already."""
    parts: tuple[str, ...] = ()
    """What the instance consists of, for people; where the cluster tells."""
    problems: tuple[str, ...] = ()
    """Why it would fail; empty if it would not."""


class DriverDescription(Payload):
    """What a driver can do."""

    kind: str
    deploys: bool
    """False for instances that somebody else runs: deploy and remove do nothing, and say so."""
    stable_seconds: float = 0.0
    """How long a new instance must be observed running, without a break, before it counts as running."""


class ClusterDriver(ABC):
    """One cluster. Every method may be repeated; all but `describe` raise `ClusterUnavailable` when it cannot be asked.

    *Idempotent by instance name, under a fence:* `deploy`, `remove`, `advance`. They touch nothing but that instance. The
    *cluster* keeps the highest fence that it has seen for each application and instance, also of one that is not there
    (`relocate.clusters.fencing` is the rule), and refuses what comes under an older one with `StaleFence`, whenever it
    arrives: an order may lie in the socket of a frozen agent longer than anybody waits for it. An instance that the
    cluster brings back by itself keeps its fence. A driver whose `deploy` and `remove` do nothing has nothing to refuse.

    *Must say unknown rather than guess:* `observe`, `gone`. `heard` may be behind.

    *Read only:* `describe`, `plan`.
    """

    @classmethod
    @abstractmethod
    def open(cls, cluster: str, settings: Mapping[str, Any], *, database_url: str) -> Self:
        """Make the driver of one configured cluster.

        Args:
            cluster: its configured name.
            settings: the cluster's `settings`, unchecked.
            database_url: the service's database (SQLAlchemy form), for drivers whose clusters cannot keep fences.

        Raises:
            InvalidRequest: a setting makes no sense; the text names the field and what is allowed.
        """

    @abstractmethod
    def describe(self) -> DriverDescription:
        """What this driver can do."""

    @abstractmethod
    async def plan(self, workload: Workload) -> Plan:
        """What `deploy` would do and what would stop it. Changes nothing."""

    @abstractmethod
    async def deploy(self, workload: Workload, fence: Fence) -> None:
        """Ask for the instance. Returns when the cluster took the request, not when it runs.

        Raises:
            InvalidWorkload: the workload can never run here; the text names the field.
            StaleFence: the cluster has seen a newer fence for this instance; nothing was changed.
        """

    @abstractmethod
    async def observe(self, application: str, instance: str) -> Observation:
        """The instance now."""

    async def heard(self, application: str, instance: str) -> Observation:
        """The instance as the cluster last told: for whoever looks all the time, and acts on changes alone.

        A driver that is told of changes need not ask for them; any other asks, as `observe` does.
        """
        return await self.observe(application, instance)

    @abstractmethod
    async def remove(self, application: str, instance: str, fence: Fence) -> None:
        """Ask for the instance to end, with its grace period. An absent instance is fine.

        Raises:
            StaleFence: the cluster has seen a newer fence for this instance; nothing was changed.
        """

    @abstractmethod
    async def advance(self, application: str, instance: str, fence: Fence) -> None:
        """Tell the cluster a newer fence, and change nothing else.

        Once this returns, whatever was ordered earlier and has not arrived is refused; what has arrived, `observe` shows.

        Raises:
            StaleFence: the cluster has seen a newer fence for this instance.
        """

    @abstractmethod
    async def gone(self, application: str, instance: str) -> bool | None:
        """Whether nothing of the instance is left; None is unknown."""

    async def stuck(self, application: str, instance: str) -> str | None:  # noqa: ARG002 - nothing is, by default
        """Why an instance that was removed will not go by itself, in one sentence; None: it may yet, by the last look."""
        return None

    async def close(self) -> None:
        """Let go of connections. Nothing on the cluster changes."""
        return
