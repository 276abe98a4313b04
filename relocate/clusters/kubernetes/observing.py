# SPDX-License-Identifier: Apache-2.0
"""What a driver sees of one instance, put together from what the cluster's watches know."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from relocate.clusters.contract import InstanceState, Observation
from relocate.clusters.kubernetes.anchor import CONFIG_MAP, Anchor, Made, Stage
from relocate.clusters.kubernetes.anchors import Anchors
from relocate.clusters.kubernetes.endpoints import Around, Place, addresses, reached
from relocate.clusters.kubernetes.kinds import Judged, Seen, judge
from relocate.clusters.kubernetes.kinds.seen import RUNNING, waiting
from relocate.clusters.kubernetes.objects import at, condition, reference
from relocate.clusters.kubernetes.settings import KubernetesSettings, Reach
from relocate.clusters.kubernetes.troubles import Troubles
from relocate.clusters.kubernetes.view import View
from steering.kubernetes.api import Api
from steering.kubernetes.objects import Kind, Object
from steering.model import Endpoint

POD, SERVICE, SLICE = Kind("v1", "Pod"), Kind("v1", "Service"), Kind("discovery.k8s.io/v1", "EndpointSlice")
NODE = Kind("v1", "Node")
COLLECTING = ("foregroundDeletion", "orphan")
"""Finalizers of the cluster's own, by which it waits for what hangs on an object."""
MOST_EXPECTED = 1000
"""Writes that no watch has been seen to follow; beyond, the oldest is long seen, and nobody asked."""
ABSENT = Observation(state=InstanceState.ABSENT, reason="the cluster has nothing of it")
REMOVING = Observation(state=InstanceState.STOPPING, reason="it is being removed")
DEPLOYING = Observation(state=InstanceState.STARTING, reason="its objects are being made")


class Observing:
    """Looks at one cluster."""

    def __init__(self, api: Api, view: View, settings: KubernetesSettings) -> None:
        """Args: api: the cluster's; view: what its watches know; settings: the cluster's."""
        self._api = api
        self._view = view
        self._settings = settings
        self._troubles = Troubles(api)
        self._expected: dict[str, Anchor] = {}

    def expect(self, anchor: Anchor) -> None:
        """What this process has just written: a watch that has not seen it is not believed."""
        self._expected[anchor.instance] = anchor
        if len(self._expected) > MOST_EXPECTED:
            del self._expected[next(iter(self._expected))]

    async def of(self, instance: str) -> Observation:
        """The instance, now."""
        anchor = await self._anchor(instance)
        if anchor is None:
            return ABSENT
        if anchor.stage in (Stage.REMOVING, Stage.DEPLOYING):
            return REMOVING if anchor.stage is Stage.REMOVING else DEPLOYING
        mine = await self._mine(anchor)
        if anchor.stage is Stage.REMOVED:
            return _left(anchor, mine)
        return await self._placed(anchor, mine)

    async def _placed(self, anchor: Anchor, mine: Mapping[Kind, Sequence[Object]]) -> Observation:
        judged = await self._judged(anchor, mine)
        endpoints = await self.endpoints(anchor.contents.ports, mine[SERVICE], mine[SLICE])
        if judged.state is InstanceState.RUNNING and not all(endpoints.values()):
            missing = ", ".join(name for name, found in endpoints.items() if not found)
            judged = waiting(f"nobody outside of the cluster can reach the port {missing} yet")
        return Observation(
            state=judged.state,
            reason=judged.reason,
            endpoints={name: found for name, found in endpoints.items() if found},
            capacity=len(_ready(mine[POD])) * anchor.contents.capacity,
        )

    async def _anchor(self, instance: str) -> Anchor | None:
        namespaces = self._settings.namespaces
        known = await asyncio.gather(*(self._view.of_instance(instance, [CONFIG_MAP], one) for one in namespaces))
        found = (one for several in known for one in several[CONFIG_MAP])
        seen = next((Anchor.read(one) for one in found if Anchor.is_one(one)), None)
        expected = self._expected.get(instance)
        if expected is None or seen == expected:
            self._expected.pop(instance, None)
            return seen
        # The watch has not seen our own write yet, or somebody else has written since: it is asked until both agree.
        asked = await Anchors(self._api, expected.namespace).find(instance)
        if asked == seen:
            self._expected.pop(instance, None)
        return asked

    async def _mine(self, anchor: Anchor) -> Mapping[Kind, Sequence[Object]]:
        """The instance's objects by kind."""
        kinds = {Kind(one.reference.api_version, one.reference.kind) for one in anchor.contents.inventory}
        mine = await self._view.of_instance(anchor.instance, kinds | {POD, SERVICE, SLICE}, anchor.namespace)
        adopted = await self._view.unmarked(POD, anchor.namespace, anchor.contents.pods or ())
        return {**mine, POD: [*mine[POD], *adopted]}

    async def _judged(self, anchor: Anchor, mine: Mapping[Kind, Sequence[Object]]) -> Judged:
        seen = Seen(
            now=datetime.now(UTC),
            pods=mine[POD],
            slices=mine[SLICE],
            events=await self._troubles.of(anchor, mine[POD]),
            patience_seconds=self._settings.patience_seconds,
        )
        # That a Service leads nowhere is what follows, and seldom the reason.
        causes_first = sorted(anchor.contents.inventory, key=lambda made: made.reference.kind == SERVICE.name)
        return _worst([_judged(made, mine, seen) for made in causes_first])

    async def endpoints(
        self, ports: Mapping[str, Place], services: Sequence[Object], slices: Sequence[Object]
    ) -> dict[str, tuple[Endpoint, ...]]:
        """Where ports are reached, as far as these objects tell; empty where they do not."""
        nodes = await self._nodes() if self._settings.reach is Reach.NODE_PORT else ()
        around = Around(services=services, slices=slices, nodes=nodes)
        return {name: tuple(reached(place, self._settings.reach, around)) for name, place in ports.items()}

    async def _nodes(self) -> Sequence[str]:
        return self._settings.node_addresses or addresses(await self._view.all_of(NODE))


def _left(anchor: Anchor, mine: Mapping[Kind, Sequence[Object]]) -> Observation:
    """What is still there of a removed instance, and what holds it."""
    ours = {made.uid or made.reference for made in anchor.contents.inventory}
    for found in (one for several in mine.values() for one in several):
        if found["kind"] != POD.name and ours.isdisjoint((found["metadata"]["uid"], reference(found))):
            continue
        held = ", ".join(one for one in at(found, "metadata", "finalizers", default=()) if one not in COLLECTING)
        why = f"is held by the finalizer {held}" if held else "is still being deleted"
        return Observation(state=InstanceState.STOPPING, reason=f"{reference(found)} {why}")
    return ABSENT


def _judged(made: Made, mine: Mapping[Kind, Sequence[Object]], seen: Seen) -> Judged:
    """One object of the inventory, if the watch has seen what was written."""
    of = made.reference
    found = next((one for one in mine[Kind(of.api_version, of.kind)] if one["metadata"]["uid"] == made.uid), None)
    if found is None:
        return waiting(f"{of} has not been seen yet, or was taken away by somebody else")
    if at(found, "metadata", "deletionTimestamp"):
        return Judged(InstanceState.STOPPING, f"{of} is being deleted")
    if at(found, "metadata", "generation", default=0) < made.generation:
        return waiting(f"{of} has not been seen as it was written")
    return judge(found, seen)


def _worst(judged: Sequence[Judged]) -> Judged:
    """At least one, and all."""
    for state in (InstanceState.FAILED, InstanceState.STOPPING, InstanceState.STARTING):
        for one in judged:
            if one.state is state:
                return one
    return RUNNING if judged else waiting("it has no objects")


def _ready(pods: Sequence[Object]) -> Sequence[Object]:
    return [pod for pod in pods if condition(pod, "Ready").get("status") == "True"]
