# SPDX-License-Identifier: Apache-2.0
"""A cluster in memory, with faults on demand: for tests, ours and those of whoever builds on the contract."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from relocate.checking import checked
from relocate.clusters.companion import Companion, PortAt, Standing
from relocate.clusters.contract import ClusterDriver, DriverDescription, InstanceState, Observation, Plan, Workload
from relocate.clusters.fencing import Fences
from relocate.errors import ClusterUnavailable, InvalidWorkload
from relocate.model.values import Model
from steering.model import Endpoint, Fence

KIND = "memory"

FIRST_PORT = 1024


class Faults(BaseModel):
    """What goes wrong; may be changed at any moment."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    starts_after: int = Field(default=0, ge=0)
    """How often `observe` says `starting` before it says `running`."""
    never_runs: bool = False
    """`observe` says `starting` for ever."""
    fails: str = ""
    """Every new instance fails, with this reason."""
    unavailable: bool = False
    """Nothing can be asked."""
    remove_hangs: bool = False
    """A removed instance stays `stopping`."""


class MemorySettings(Model):
    """A `memory` cluster's `settings`."""

    faults: Faults = Field(default_factory=Faults)
    capacity: float | None = Field(default=None, gt=0)


class MemoryWorkload(Model):
    """An application's `workloads.memory`."""

    capacity: float | None = Field(default=None, gt=0)


@dataclass
class MemoryInstance:
    """One instance that nobody runs."""

    workload: Workload
    capacity: float | None
    endpoints: dict[str, tuple[Endpoint, ...]]
    failure: str = ""
    stopping: bool = False
    observed: int = 0


async def _at_once() -> None:
    """Nothing happens in between."""


@dataclass
class MemoryCluster:
    """What a driver asks: it outlives drivers, as a real cluster does."""

    faults: Faults
    instances: dict[tuple[str, str], MemoryInstance] = field(default_factory=dict)
    fences: Fences = field(default_factory=Fences)
    next_port: int = FIRST_PORT
    before_deploy: Callable[[], Awaitable[None]] = _at_once
    """Happens between the moment a `deploy` is asked for and its effect."""
    before_remove: Callable[[], Awaitable[None]] = _at_once
    """As `before_deploy`, for a `remove`."""

    def crash(self, application: str, instance: str, reason: str) -> None:
        """Let a running instance fail; KeyError when there is none."""
        self.instances[application, instance].failure = reason


class MemoryDriver(ClusterDriver, Companion):
    """One `memory` cluster. All drivers of one cluster name, in one process, see the same instances."""

    clusters: ClassVar[dict[str, MemoryCluster]] = {}
    """Every cluster by name; a test may clear it."""

    def __init__(self, name: str, cluster: MemoryCluster, capacity: float | None) -> None:
        self._name = name
        self._capacity = capacity
        self.cluster = cluster

    @classmethod
    def open(cls, cluster: str, settings: Mapping[str, Any], *, database_url: str = "") -> Self:  # noqa: ARG003
        """As the contract says; settings are `MemorySettings`, whose faults count for a cluster that is new."""
        wanted = checked(MemorySettings, settings, at="settings")
        known = cls.clusters.setdefault(cluster, MemoryCluster(wanted.faults))
        return cls(cluster, known, wanted.capacity)

    def describe(self) -> DriverDescription:
        """It deploys."""
        return DriverDescription(kind=KIND, deploys=True)

    async def plan(self, workload: Workload) -> Plan:
        """As the contract says."""
        self._reach()
        try:
            existing = self._existing(workload)
        except InvalidWorkload as error:
            return Plan(problems=(str(error),))
        return Plan() if existing else Plan(creates=(workload.instance,))

    async def deploy(self, workload: Workload, fence: Fence) -> None:
        """As the contract says."""
        await self.cluster.before_deploy()
        self._reach()
        self.cluster.fences.admit(workload.application, workload.instance, fence)
        if self._existing(workload):
            return
        settings = checked(MemoryWorkload, workload.settings, at=f"workloads.{KIND}", error=InvalidWorkload)
        self.cluster.instances[workload.application, workload.instance] = MemoryInstance(
            workload=workload,
            capacity=settings.capacity or self._capacity,
            endpoints={name: (self._endpoint(),) for name in workload.ports},
            failure=self.cluster.faults.fails,
        )

    async def observe(self, application: str, instance: str) -> Observation:
        """As the contract says; each call counts for `starts_after`."""
        self._reach()
        found = self.cluster.instances.get((application, instance))
        if found is None:
            return Observation(state=InstanceState.ABSENT, reason="there is no instance of that name")
        found.observed += 1
        state, reason = self._state(found)
        return Observation(state=state, reason=reason, endpoints=found.endpoints, capacity=found.capacity)

    async def remove(self, application: str, instance: str, fence: Fence) -> None:
        """As the contract says."""
        await self.cluster.before_remove()
        self._reach()
        self.cluster.fences.admit(application, instance, fence)
        found = self.cluster.instances.get((application, instance))
        if found is None:
            return
        if self.cluster.faults.remove_hangs:
            found.stopping = True
        else:
            del self.cluster.instances[application, instance]

    async def advance(self, application: str, instance: str, fence: Fence) -> None:
        """As the contract says."""
        self._reach()
        self.cluster.fences.admit(application, instance, fence)

    async def gone(self, application: str, instance: str) -> bool | None:
        """As the contract says."""
        if self.cluster.faults.unavailable:
            return None
        return (application, instance) not in self.cluster.instances

    async def standing(self, marks: Sequence[str], ports: Mapping[str, PortAt | None]) -> Standing:
        """As the contract says: a mark is the name of an application here."""
        self._reach()
        found = {name: one for (mark, name), one in self.cluster.instances.items() if mark in marks}
        endpoints = {
            port: tuple(end for one in found.values() for end in one.endpoints.get(port, ())) for port in ports
        }
        capacities = [one.capacity for one in found.values() if one.capacity]
        return Standing(endpoints=endpoints, parts=tuple(found), capacity=sum(capacities) if capacities else None)

    async def sweep(self, marks: Sequence[str]) -> None:
        """As the contract says."""
        self._reach()
        for key in [key for key in self.cluster.instances if key[0] in marks]:
            del self.cluster.instances[key]

    def _state(self, instance: MemoryInstance) -> tuple[InstanceState, str]:
        faults = self.cluster.faults
        if instance.stopping:
            return InstanceState.STOPPING, "does not end"
        if instance.failure:
            return InstanceState.FAILED, instance.failure
        if faults.never_runs or instance.observed <= faults.starts_after:
            return InstanceState.STARTING, f"starting, observed {instance.observed} times"
        return InstanceState.RUNNING, ""

    def _existing(self, workload: Workload) -> bool:
        checked(MemoryWorkload, workload.settings, at=f"workloads.{KIND}", error=InvalidWorkload)
        found = self.cluster.instances.get((workload.application, workload.instance))
        if found is not None and found.workload != workload:
            raise InvalidWorkload(
                f"workloads.{KIND}: {workload.instance} exists with other settings", field=f"workloads.{KIND}"
            )
        return found is not None

    def _endpoint(self) -> Endpoint:
        self.cluster.next_port += 1
        return Endpoint(host="127.0.0.1", port=self.cluster.next_port)

    def _reach(self) -> None:
        if self.cluster.faults.unavailable:
            raise ClusterUnavailable(f"{self._name}: the cluster in memory was told to be unavailable")
