# SPDX-License-Identifier: Apache-2.0
"""The driver for Kubernetes clusters: manifests, kustomizations and charts, by server-side apply."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self

from relocate.checking import checked
from relocate.clusters.adopting import InstanceAdopter, Runs
from relocate.clusters.companion import Companion, PortAt, Standing
from relocate.clusters.contract import ClusterDriver, DriverDescription, InstanceState, Observation, Plan, Workload
from relocate.clusters.kubernetes.adopting import Adopting, selectors
from relocate.clusters.kubernetes.anchor import Anchor, Contents, Stage
from relocate.clusters.kubernetes.anchors import Anchors
from relocate.clusters.kubernetes.applying import Applying
from relocate.clusters.kubernetes.marked import Marked
from relocate.clusters.kubernetes.objects import reference
from relocate.clusters.kubernetes.observing import Observing
from relocate.clusters.kubernetes.ownership import INSTANCE, MANAGER, label_of
from relocate.clusters.kubernetes.preflight import Preflight
from relocate.clusters.kubernetes.rendering import Rendering
from relocate.clusters.kubernetes.settings import FIELD, KIND, KubernetesSettings
from relocate.clusters.kubernetes.view import View
from relocate.errors import ClusterUnavailable, InvalidRequest, InvalidWorkload
from steering.kubernetes.api import Api
from steering.kubernetes.errors import FieldConflict, Forbidden, Invalid, KubernetesError, NotFound, Terminating
from steering.kubernetes.objects import Kind
from steering.model import Fence

POD = Kind("v1", "Pod")
SURE_SECONDS, FOLLOWING_SECONDS = 1.0, 15.0
"""After so long without a word from the API server it is asked for one: by whoever has to be sure, and by whoever follows."""


class KubernetesDriver(ClusterDriver, InstanceAdopter, Companion):
    """One Kubernetes cluster."""

    def __init__(self, cluster: str, settings: KubernetesSettings) -> None:
        """Args: cluster: its configured name; settings: its own."""
        self._cluster = cluster
        self._settings = settings
        self._api = Api(settings.connection, manager=MANAGER, seconds=settings.timeout_seconds)
        self._view = View(self._api, settings.timeout_seconds)
        self._rendering = Rendering(cluster, settings, self._api)
        self._applying = Applying(cluster, self._api, settings.timeout_seconds)
        self._adopting = Adopting(self._api)
        self._observing = Observing(self._api, self._view, settings)
        self._marked = Marked(self._api, self._observing, settings.namespaces)

    @classmethod
    def open(cls, cluster: str, settings: Mapping[str, Any], *, database_url: str = "") -> Self:  # noqa: ARG003
        """As the contract says; settings are `KubernetesSettings`. Nothing is connected."""
        return cls(cluster, checked(KubernetesSettings, settings, at="settings"))

    def describe(self) -> DriverDescription:
        """It deploys."""
        return DriverDescription(kind=KIND, deploys=True)

    async def plan(self, workload: Workload) -> Plan:
        """What would be made, and everything that would stop it: see `preflight`."""
        try:
            async with self._ordering():
                rendered = await self._rendering.of(workload)
                anchor = await self._anchors(rendered.namespace).find(workload.instance)
                if anchor is not None and anchor.stage is not Stage.REMOVED:
                    anchor.together(rendered.contents)
                    return Plan()
                problems = await self._applying.taken(rendered.objects, workload.instance)
                problems = problems or await Preflight(self._api, rendered).problems()
        except InvalidWorkload as error:
            return Plan(problems=(str(error),))
        made = tuple(str(reference(one)) for one in rendered.objects)
        return Plan(creates=(workload.instance,), parts=made, problems=tuple(problems))

    async def deploy(self, workload: Workload, fence: Fence) -> None:
        """As the contract says. Nothing is changed before everything has been rendered and found to be free."""
        async with self._ordering():
            rendered = await self._rendering.of(workload)
            anchors = self._anchors(rendered.namespace)
            taken = await self._applying.taken(rendered.objects, workload.instance)
            if taken:
                raise InvalidWorkload(f"{FIELD}: {taken[0]}", field=FIELD)
            anchor = await anchors.take(
                workload.application, workload.instance, fence, Stage.DEPLOYING, rendered.contents
            )
            self._observing.expect(anchor)
            made = await self._applying.apply(rendered.objects, anchor)
            known = {one.reference: one for one in (*anchor.contents.inventory, *made)}
            contents = replace(anchor.contents, inventory=tuple(known.values()))
            self._observing.expect(await anchors.keep(replace(anchor, stage=Stage.DEPLOYED, contents=contents)))

    async def observe(self, application: str, instance: str) -> Observation:  # noqa: ARG002 - instances' names are unique
        """From watches."""
        async with self._asking():
            await self._view.check(SURE_SECONDS)
            return await self._observing.of(instance)

    async def heard(self, application: str, instance: str) -> Observation:  # noqa: ARG002 - as above
        """From watches, also when nothing was heard for a while: a thousand looks at what stays as it is are no request."""
        async with self._asking():
            await self._view.check(FOLLOWING_SECONDS)
            return await self._observing.of(instance)

    async def remove(self, application: str, instance: str, fence: Fence) -> None:
        """As the contract says: only what the anchor names, and only if it is that very object."""
        async with self._asking():
            anchors, found = await self._find(instance)
            # In a namespace that goes as a whole no late order can make anything, and no tombstone is needed.
            with suppress(Terminating):
                anchor = await anchors.take(application, instance, fence, Stage.REMOVING, found=found)
                self._observing.expect(anchor)
                for made in reversed(anchor.contents.inventory):
                    # A tombstone stands where everything that it knows by uid was deleted already.
                    if anchor.stage is Stage.REMOVING or made.uid is None:
                        await self._applying.delete(made, instance)
                if anchor.stage is Stage.REMOVING:
                    self._observing.expect(await anchors.bury(anchor))
                    await anchors.sweep(datetime.now(UTC))

    async def advance(self, application: str, instance: str, fence: Fence) -> None:
        """As the contract says."""
        async with self._asking():
            anchors, found = await self._find(instance)
            self._observing.expect(await anchors.take(application, instance, fence, found=found))

    async def adoptable(self, workload: Workload) -> Runs:
        """Every object that the application's own rendering names."""
        try:
            async with self._ordering():
                rendered = await self._rendering.of(workload)
                seen = await self._adopting.look(rendered.objects, workload.instance)
                where = await self._adopting.around(rendered.objects, rendered.namespace)
                endpoints = await self._observing.endpoints(rendered.contents.ports, *where)
                return seen.model_copy(update={"endpoints": endpoints})
        except InvalidWorkload as error:
            return Runs(problems=(str(error),))

    async def adopt(self, workload: Workload, fence: Fence) -> None:
        """As the contract says: the anchor first, with everything in it, then a label on each object."""
        async with self._ordering():
            rendered = await self._rendering.of(workload)
            seen = await self._adopting.look(rendered.objects, workload.instance)
            if seen.problems:
                raise InvalidWorkload(f"{FIELD}: {'; '.join(seen.problems)}", field=FIELD)
            wanted = replace(rendered.contents, pods=selectors(rendered.objects))
            anchors = self._anchors(rendered.namespace)
            anchor = await anchors.take(workload.application, workload.instance, fence, Stage.DEPLOYING, wanted)
            made = await self._adopting.mark(rendered.objects, workload.application, workload.instance)
            contents = replace(anchor.contents, inventory=tuple(made))
            self._observing.expect(await anchors.keep(replace(anchor, stage=Stage.DEPLOYED, contents=contents)))

    async def release(self, application: str, instance: str, fence: Fence) -> None:
        """As the contract says. The tombstone names nothing: nobody is to remove what is not ours any more."""
        async with self._asking():
            anchors, found = await self._find(instance)
            if found is not None and found.stage is not Stage.REMOVED and found.contents.pods is None:
                raise InvalidRequest(f"{instance} was not adopted: it is removed, not released", field="application")
            anchor = await anchors.take(application, instance, fence, found=found)
            for made in anchor.contents.inventory if anchor.stage is not Stage.REMOVED else ():
                await self._adopting.unmark(made, instance)
            if anchor.stage is not Stage.REMOVED:
                self._observing.expect(await anchors.bury(replace(anchor, contents=Contents())))

    async def gone(self, application: str, instance: str) -> bool | None:  # noqa: ARG002 - instances' names are unique
        """Whether no object of the inventory is left, and no pod; None when that cannot be asked.

        As long as watches show something of it, nothing is asked; that all is gone they are not believed.
        """
        try:
            await self._view.check(SURE_SECONDS)
            if await self._still_seen(instance):
                return False
            _, anchor = await self._find(instance)
            if anchor is None:
                return not any([await self._pods(namespace, instance) for namespace in self._settings.namespaces])
            if anchor.stage is not Stage.REMOVED:
                return False
            return not await self._leftovers(anchor)
        except KubernetesError:
            return None

    async def standing(self, marks: Sequence[str], ports: Mapping[str, PortAt | None]) -> Standing:
        """As the contract says."""
        async with self._asking():
            return await self._marked.standing(marks, ports)

    async def sweep(self, marks: Sequence[str]) -> None:
        """As the contract says."""
        async with self._asking():
            await self._marked.sweep(marks)

    async def close(self) -> None:
        """Close watches and connections."""
        await self._view.close()
        await self._api.close()

    async def _still_seen(self, instance: str) -> bool:
        """Whether watches show something of it on its way out; what they cannot say is asked for."""
        with suppress(KubernetesError):
            return (await self._observing.of(instance)).state is InstanceState.STOPPING
        return False

    async def _leftovers(self, anchor: Anchor) -> bool:
        found = await asyncio.gather(
            *(self._applying.left(made, anchor.instance) for made in anchor.contents.inventory)
        )
        return any(found) or await self._pods(anchor.namespace, anchor.instance, anchor.contents.pods or ())

    async def _pods(self, namespace: str, instance: str, adopted: Sequence[str] = ()) -> bool:
        """Whether a pod of it is there; of one that was `adopted`, by its own selectors."""
        wanted = [f"{INSTANCE}={label_of(instance)}", *(f"{one},!{INSTANCE}" for one in adopted)]
        return any([(await self._api.list(POD, namespace, labels=one)).items for one in wanted])

    def _anchors(self, namespace: str) -> Anchors:
        return Anchors(self._api, namespace)

    async def _find(self, instance: str) -> tuple[Anchors, Anchor | None]:
        """An instance's anchor, wherever it is, and where it is or would be."""
        places = [self._anchors(one) for one in self._settings.namespaces]
        found = await asyncio.gather(*(one.find(instance) for one in places))
        known = [(place, anchor) for place, anchor in zip(places, found, strict=True) if anchor is not None]
        return known[0] if known else (places[0], None)

    @asynccontextmanager
    async def _ordering(self) -> AsyncIterator[None]:
        """As `_asking`; what an API server will never take is the workload's fault."""
        try:
            async with self._asking():
                yield
        except _Refused as error:
            raise InvalidWorkload(f"{FIELD}: {error}", field=FIELD) from error.__cause__

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """What an API server says, in the orchestrator's words."""
        try:
            yield
        except FieldConflict as error:
            owners = "; ".join(f"{field}: {words}" for field, words in error.fields.items())
            raise _Refused(f"{self._cluster}: {owners}") from error
        except (Invalid, Forbidden, NotFound) as error:
            raise _Refused(f"{self._cluster}: {error}") from error
        except KubernetesError as error:
            raise ClusterUnavailable(f"{self._cluster}: {error}") from error


class _Refused(ClusterUnavailable):
    """The API server will not take this however often it is asked: until somebody grants a right, or mends the cluster."""
