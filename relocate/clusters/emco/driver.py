# SPDX-License-Identifier: Apache-2.0
"""The driver of an `emco` cluster: has EMCO put an application's apps there, and take them away again.

What is done in which order, and why: docs/explanation/emco.md, "Clusters of EMCO's".
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

from relocate import clusters
from relocate.checking import checked
from relocate.clusters.adopting import InstanceAdopter, Runs
from relocate.clusters.companion import Companion, PortAt
from relocate.clusters.contract import ClusterDriver, DriverDescription, InstanceState, Observation, Plan, Workload
from relocate.clusters.emco import edits
from relocate.clusters.emco.anchor import Anchor, Anchors, Stage
from relocate.clusters.emco.edits import GoOn
from relocate.clusters.emco.group import Group
from relocate.clusters.emco.leaving import Leaving, marks
from relocate.clusters.emco.placement import Place, app_of
from relocate.clusters.emco.rest import Rest
from relocate.clusters.emco.settings import FIELD, KIND, EmcoSettings
from relocate.clusters.emco.status import Status, standing
from relocate.emco.names import EmcoWorkload
from relocate.errors import ClusterUnavailable, InvalidRequest, InvalidWorkload
from relocate.store.database import Database
from steering.model import Fence

LOOK_SECONDS = 0.25
"""Between two looks at whether an update is carried out."""
HEARD_SECONDS = 2.0
"""How old may be what `heard` tells: EMCO tells nobody of changes, and is asked no more often than this."""


class EmcoDriver(ClusterDriver, InstanceAdopter):
    """One cluster of EMCO's. An application is there once at most: EMCO knows one copy of an app on a cluster."""

    def __init__(
        self, cluster: str, settings: EmcoSettings, rest: Rest, database: Database, companion: Companion | None
    ) -> None:
        """Args: cluster: its name; settings: its; rest: its EMCO; database: the service's; companion: what sees it."""
        self._cluster = cluster
        self._settings = settings
        self._place = Place(settings.provider, settings.cluster)
        self._rest = rest
        self._database = database
        self._anchors = Anchors(database, cluster)
        self._companion = companion
        self._leaving = Leaving(self._place, companion, settings.orphan_seconds)
        self._heard: dict[tuple[str, str], tuple[float, Observation]] = {}

    @classmethod
    def open(cls, cluster: str, settings: Mapping[str, Any], *, database_url: str) -> Self:
        """As the contract says; settings are `EmcoSettings`."""
        wanted = checked(EmcoSettings, settings, at="settings")
        companion = _companion(cluster, wanted, database_url)
        return cls(cluster, wanted, Rest(cluster, wanted), Database.open(database_url), companion)

    def describe(self) -> DriverDescription:
        """It deploys."""
        return DriverDescription(kind=KIND, deploys=True, stable_seconds=self._settings.stable_seconds)

    async def plan(self, workload: Workload) -> Plan:
        """As the contract says: EMCO's group, its intents, and the cluster are looked at."""
        if await self._anchors.get(workload.application, workload.instance) is not None:
            return Plan()
        try:
            group = Group(self._rest, self._asked(workload))
            status = await group.status()
            _check_in_force(group, status)
            changes = await edits.planned(group, self._place, status)
            if not await group.cluster_known(self._place):
                return Plan(problems=(f"{self._cluster}: EMCO has no cluster {self._place}",))
        except InvalidWorkload as error:
            return Plan(problems=(str(error),))
        parts = tuple(f"{app_of(edit.written)} of {group.name} on {self._place}" for edit in changes)
        return Plan(creates=(workload.instance,), parts=parts)

    async def deploy(self, workload: Workload, fence: Fence) -> None:
        """As the contract says: the cluster is added to the intents beside all others, and the group updated."""
        asked, name, instance = self._asked(workload), workload.application, workload.instance
        group = Group(self._rest, asked)
        async with self._turn(group) as go_on:
            await self._anchors.admit(name, instance, fence)
            anchor = await self._anchors.get(name, instance)
            if anchor is not None and anchor.stage is Stage.REMOVING:
                await self._check_alone(name)
                anchor = None
            if anchor is not None:
                _check_same(anchor, asked, workload)
                if anchor.stage is Stage.PLACED:
                    return
            status = await self._settled(group, go_on)
            _check_in_force(group, status)
            if not status.settled:
                raise ClusterUnavailable(f"{self._cluster}: EMCO has not carried out the last update of {group.name}")
            if anchor is None:
                await self._check_alone(name)
                anchor = await self._begun(group, asked, workload.ports, status)
                await self._anchors.keep(name, instance, fence, anchor)
            await edits.write(group, anchor.edits, self._place, go_on)
            await self._anchors.admit(name, instance, fence)
            placed = anchor.model_copy(
                update={"stage": Stage.PLACED, "revision": await self._added(group, anchor, go_on)}
            )
            await self._anchors.keep(name, instance, fence, placed)

    async def observe(self, application: str, instance: str) -> Observation:
        """As the contract says. Nothing is *running* but what EMCO shows, whole, on this cluster."""
        anchor = await self._anchors.get(application, instance)
        if anchor is None:
            return Observation(state=InstanceState.ABSENT, reason="there is no instance of that name")
        group = Group(self._rest, anchor.workload)
        try:
            status = await group.status()
            state, reason = standing(status, anchor.apps, self._place, anchor.revision or anchor.since + 1)
            if anchor.stage is Stage.REMOVING:
                gone = await self._leaving.gone((application, instance), group, anchor, status)
                return Observation(state=InstanceState.ABSENT if gone else InstanceState.STOPPING, reason=reason)
            if state is not InstanceState.RUNNING:
                return Observation(state=state, reason=reason)
            unnamed = sorted(set(anchor.apps) - await edits.offered(group, anchor))
        except InvalidWorkload as error:
            return Observation(state=InstanceState.UNKNOWN, reason=str(error))
        if unnamed:
            what = f"somebody took {self._place} out of EMCO's intents of {', '.join(unnamed)}: the next update ends it"
            return Observation(state=InstanceState.UNKNOWN, reason=what)
        return await self._reached(application, anchor, status)

    async def heard(self, application: str, instance: str) -> Observation:
        """As the contract says, at most `HEARD_SECONDS` old."""
        at, last = self._heard.get((application, instance), (float("-inf"), None))
        if last is None or time.monotonic() - at > HEARD_SECONDS:
            last = await self.observe(application, instance)
            self._heard[application, instance] = time.monotonic(), last
        return last

    async def remove(self, application: str, instance: str, fence: Fence) -> None:
        """As the contract says: the cluster is taken out of the intents, and the group updated.

        Where nobody has changed an intent since the instance came, it is put back as it was before. What EMCO leaves
        behind is swept away by the companion, if this is called again once EMCO says that all is done.

        Raises:
            InvalidRequest: an app would be on no cluster, which EMCO refuses; or the update would end another instance.
        """
        self._heard.pop((application, instance), None)
        anchor = await self._anchors.get(application, instance)
        if anchor is None:
            await self._anchors.admit(application, instance, fence)
            return
        group, key = Group(self._rest, anchor.workload), (application, instance)
        async with self._turn(group) as go_on:
            await self._anchors.admit(*key, fence)
            status = await self._settled(group, go_on)
            stay = await self._anchors.besides(*key)
            changes = await edits.leaving(group, anchor, stay, status) if status.revision else ()
            if anchor.stage is not Stage.REMOVING:
                anchor = anchor.model_copy(update={"stage": Stage.REMOVING})
                await self._anchors.keep(*key, fence, anchor)
            for change in changes:
                await go_on()
                await group.put(change)
            await self._anchors.admit(*key, fence)
            if changes or (status.revision and status.entries(anchor.apps, self._place)):
                await go_on()
                await group.update()
            elif await self._leaving.gone(key, group, anchor, status):
                await self._anchors.keep(*key, fence, None)
            else:
                await self._leaving.sweep(key, anchor, status)

    async def advance(self, application: str, instance: str, fence: Fence) -> None:
        """As the contract says; EMCO need not be there for it."""
        await self._anchors.admit(application, instance, fence)

    async def gone(self, application: str, instance: str) -> bool | None:
        """As the contract says: by the companion, or by what EMCO says of the context that had it."""
        anchor = await self._anchors.get(application, instance)
        if anchor is None:
            return True
        if anchor.stage is not Stage.REMOVING:
            return False
        group = Group(self._rest, anchor.workload)
        try:
            return await self._leaving.gone((application, instance), group, anchor, await group.status())
        except (ClusterUnavailable, InvalidWorkload):
            return None

    async def stuck(self, application: str, instance: str) -> str | None:
        """As the contract says; by the last look of `gone`."""
        return self._leaving.stuck((application, instance))

    async def adoptable(self, workload: Workload) -> Runs:
        """As the contract says: what EMCO has there of the apps that are meant."""
        try:
            asked = self._asked(workload)
            group = Group(self._rest, asked)
            anchor, status = await self._standing(group, asked, workload.ports)
        except InvalidWorkload as error:
            return Runs(problems=(str(error),))
        state, reason = standing(status, anchor.apps, self._place, 1)
        parts = [
            f"{one} of {app}" for app, entry in status.entries(anchor.apps, self._place) for one in entry.resources
        ]
        if state is not InstanceState.RUNNING:
            return Runs(parts=tuple(parts), problems=(reason,))
        reached = await self._reached(workload.application, anchor, status)
        return Runs(parts=tuple(parts), endpoints=reached.endpoints)

    async def adopt(self, workload: Workload, fence: Fence) -> None:
        """As the contract says: it is put on record, and nothing changes in EMCO."""
        asked, name, instance = self._asked(workload), workload.application, workload.instance
        group = Group(self._rest, asked)
        async with self._turn(group):
            await self._anchors.admit(name, instance, fence)
            known = await self._anchors.get(name, instance)
            if known is not None:
                _check_same(known, asked, workload)
                return
            await self._check_alone(name)
            anchor, status = await self._standing(group, asked, workload.ports)
            state, reason = standing(status, anchor.apps, self._place, 1)
            if state is not InstanceState.RUNNING:
                raise InvalidWorkload(f"{FIELD}: {reason}", field=FIELD)
            await self._anchors.keep(name, instance, fence, anchor)

    async def release(self, application: str, instance: str, fence: Fence) -> None:
        """As the contract says. One that was deployed can be given back as well: it is EMCO's either way."""
        await self._anchors.admit(application, instance, fence)
        await self._anchors.keep(application, instance, fence, None)

    async def close(self) -> None:
        """Close connections."""
        await self._rest.close()
        if self._companion is not None:
            await self._companion.close()
        self._database.close()

    def _asked(self, workload: Workload) -> EmcoWorkload:
        """What the application is in EMCO. Raises InvalidWorkload: it makes no sense, or nobody knows where it listens."""
        known = self._settings.endpoints.get(workload.application, {})
        for port in workload.ports:
            if self._companion is None and port not in known:
                field = f"settings.endpoints.{workload.application}.{port}"
                raise InvalidWorkload(f"{field}: must be given, or a companion that sees it", field=field)
        return checked(EmcoWorkload, workload.settings, at=FIELD, error=InvalidWorkload)

    async def _check_alone(self, application: str) -> None:
        """See that nothing of ours is there. Raises InvalidWorkload."""
        for other in await self._anchors.here(application):
            if not await self.gone(application, other):
                text = f"{FIELD}: {other} is on {self._cluster}, and EMCO has one copy of an app on a cluster"
                raise InvalidWorkload(text, field=FIELD)

    async def _begun(self, group: Group, asked: EmcoWorkload, ports: tuple[str, ...], status: Status) -> Anchor:
        """What is remembered before anything is changed."""
        changes = await edits.planned(group, self._place, status)
        return Anchor(
            workload=asked,
            place=self._place,
            apps=tuple(app_of(edit.before) for edit in changes),
            ports=ports,
            stage=Stage.DEPLOYING,
            edits=tuple(changes),
            since=status.revision,
        )

    async def _standing(self, group: Group, asked: EmcoWorkload, ports: tuple[str, ...]) -> tuple[Anchor, Status]:
        """What would be remembered of what EMCO has there already. Raises InvalidWorkload."""
        intents, status = await group.intents(), await group.status()
        _check_in_force(group, status)
        apps = tuple(dict.fromkeys(app_of(one.body) for one in intents))
        anchor = Anchor(
            workload=asked,
            place=self._place,
            apps=apps,
            ports=ports,
            stage=Stage.PLACED,
            revision=status.revision,
        )
        return anchor, status

    async def _added(self, group: Group, anchor: Anchor, go_on: GoOn) -> int:
        """Have the group updated; its revision then. Refused, the intents are as they were."""
        await go_on()
        try:
            await group.update()
        except InvalidWorkload:
            await edits.put_back(group, anchor.edits, go_on)
            raise
        return max((await group.status()).revision, anchor.since + 1)

    async def _settled(self, group: Group, go_on: GoOn) -> Status:
        """The group's status once the last update is carried out, or as it is when that takes too long."""
        deadline = time.monotonic() + self._settings.settle_seconds
        while True:
            status = await group.status()
            if status.settled or status.revision == 0 or time.monotonic() > deadline:
                return status
            await asyncio.sleep(LOOK_SECONDS)
            await go_on()

    async def _reached(self, application: str, anchor: Anchor, status: Status) -> Observation:
        """A ready instance with where it listens; it is starting while that is not known."""
        capacity = self._settings.capacity.get(application)
        if self._companion is None:
            endpoints = self._settings.endpoints.get(application, {})
        else:
            said = anchor.workload.ports
            at = {name: PortAt(said[name].service, said[name].port) if name in said else None for name in anchor.ports}
            found = await self._companion.standing(marks(status, anchor), at)
            endpoints, capacity = found.endpoints, capacity or found.capacity
        missing = [port for port in anchor.ports if not endpoints.get(port)]
        if missing:
            reason = f"nothing is known yet of where {', '.join(missing)} is reached"
            return Observation(state=InstanceState.STARTING, reason=reason)
        return Observation(state=InstanceState.RUNNING, endpoints=endpoints, capacity=capacity)

    @asynccontextmanager
    async def _turn(self, group: Group) -> AsyncIterator[GoOn]:
        """One order at a time for each group, whoever gives it."""
        name = f"emco {self._settings.url.rstrip('/')}{group.path}"[:512]
        async with self._anchors.turn(name) as go_on:
            yield go_on


def _check_in_force(group: Group, status: Status) -> None:
    """See that the group is instantiated. Raises InvalidWorkload."""
    if status.revision == 0:
        text = f"{FIELD}: EMCO's group {group.name} must be instantiated; {status.done} was done last"
        raise InvalidWorkload(text, field=FIELD)


def _check_same(anchor: Anchor, asked: EmcoWorkload, workload: Workload) -> None:
    """See that a name stands for one instance. Raises InvalidWorkload."""
    if (anchor.workload, anchor.ports) != (asked, workload.ports):
        raise InvalidWorkload(f"{FIELD}: {workload.instance} exists with other settings", field=FIELD)


def _companion(cluster: str, settings: EmcoSettings, database_url: str) -> Companion | None:
    """What the settings name. Raises InvalidRequest."""
    if settings.companion is None:
        return None
    field = "settings.companion"
    try:
        kind = clusters.load(settings.companion.driver)
        opened = kind.open(cluster, settings.companion.settings, database_url=database_url)
    except InvalidRequest as error:
        raise InvalidRequest(f"{field}.{error}", field=f"{field}.{error.field}") from error
    if not isinstance(opened, Companion):
        text = f"{field}.driver: {settings.companion.driver} cannot see what EMCO puts on a cluster"
        raise InvalidRequest(text, field=f"{field}.driver")
    return opened
