# SPDX-License-Identifier: Apache-2.0
"""What runs already becomes ours, and somebody else's again: instance and routes, each in its own cluster's words."""

import asyncio
import time
from collections.abc import Sequence

from temporalio import activity

from relocate.activities import calls, proving
from relocate.activities.beginning import changing
from relocate.activities.failures import translated
from relocate.activities.instances import ours, runs, workload_of
from relocate.activities.orders import ClaimOrder, Deployed, InstanceOrder
from relocate.activities.standing import check_unchanged
from relocate.activities.steering import looks
from relocate.activities.ways import Stretch, probe_points, stretches
from relocate.clusters.adopting import InstanceAdopter
from relocate.dispatch import Adoption
from relocate.errors import ClusterUnavailable, InvalidRequest, InvalidWorkload, NotProven
from relocate.model.application import Application
from relocate.model.placement import ADOPTED
from relocate.parts import Parts
from relocate.phases import documents, proof
from relocate.store.catalogue import Placements
from steering.adopting import RouteAdopter
from steering.errors import Unavailable
from steering.model import Backend, Fence, RouteDocument, Version

PROBES = 5
"""Users' answers through each gateway instance that must be good before what was there counts as serving them."""


class Adopting:
    """Activities of an adoption, and of its way back."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.ADOPT.name)
    @translated
    async def adopt(self, order: InstanceOrder) -> Deployed:
        """Have the cluster take what runs for this instance; the placement says so before.

        Raises:
            InvalidWorkload: the cluster says why it cannot be adopted; nothing was changed there.
            StaleFence: it was given back meanwhile, and so is what this late attempt took.
        """
        async with changing(self._parts.database, order):
            workload = await workload_of(self._parts, order.application, order.cluster, order.instance)
            driver = await self._parts.driver(order.cluster)
            adopter = adopter_of(driver, order.cluster)
            late = f"{order.instance} was given back before this attempt had adopted it"
            async with ours(self._placements, order, ADOPTED, adopter.release, late):
                await adopter.adopt(workload, order.fence)
            serving, _ = await runs(driver, order)
            return Deployed(serving=serving)

    @activity.defn(name=calls.CLAIM.name)
    @translated
    async def claim(self, order: ClaimOrder) -> None:
        """Write the claimed form to every route at every gateway; ends when every gateway instance has acknowledged it.

        A gateway that knows no routes but ours gets a new one: whoever is served now, is served in another way. On the way
        `back` users are served then by what was there before, and are asked for.

        Raises:
            Rejected, Conflict: a route cannot be adopted, or has been changed by somebody else.
            InvalidRequest: there was nothing before to which a route could be given back.
            NotProven: it did not become live in time, or users are not served; the text says where.
        """
        async with changing(self._parts.database, order):
            found = await stretches(self._parts, order.application)
            claimed = [(one, version) for one in found if (version := await self._claim(order, one)) is not None]
            missing: dict[str, str] = {}
            try:
                async with asyncio.timeout(order.prove_seconds):
                    await asyncio.gather(*(_acknowledged(order, *one, missing) for one in claimed))
            except TimeoutError as error:
                raise NotProven(f"not live after {order.prove_seconds:g} s: {'; '.join(missing.values())}") from error
            if order.back:
                await asyncio.gather(*(_serves(order, one) for one, _ in claimed))

    @activity.defn(name=calls.FREE.name)
    @translated
    async def free(self, order: InstanceOrder) -> None:
        """Take away what is left of us, at the gateways and on the cluster, and strike the placement."""
        async with changing(self._parts.database, order):
            for stretch in await stretches(self._parts, order.application):
                if isinstance(stretch.adapter, RouteAdopter):
                    await stretch.adapter.release(stretch.route.name, fence=order.fence)
            driver = await self._parts.driver(order.cluster)
            name = order.application.name
            await adopter_of(driver, order.cluster).release(name, order.instance, order.fence)
            await asyncio.to_thread(self._placements.forget, name, order.cluster, order.instance, fence=order.fence)

    @property
    def _placements(self) -> Placements:
        return self._parts.database.placements

    async def _claim(self, order: ClaimOrder, stretch: Stretch) -> Version | None:
        """The version of the write; None where there is nothing to give back."""
        adapter, epoch = stretch.adapter, documents.epoch_of(order.relocation, order.fence)
        if order.back:
            standing = await adapter.read(stretch.route.name)
            if standing is None:
                return None
            if not isinstance(adapter, RouteAdopter):
                if not order.failed:
                    where = f"gateway {stretch.gateway}"
                    raise InvalidRequest(f"{where} had no route before, to which users could go back", field="routes")
                await adapter.remove(stretch.route.name, fence=order.fence, base=standing.version)
                return None
            again = standing.document.model_copy(update={"probe_paths": (), "epoch": epoch})
            return await adapter.claim(again, fence=order.fence)
        document = documents.document(order.application.name, stretch.route, order.sides(), epoch)
        if isinstance(adapter, RouteAdopter):
            return await adapter.claim(document, fence=order.fence)
        return await _made(stretch, document, order.fence)


async def examine(parts: Parts, application: Application, cluster: str) -> Adoption:
    """What an adoption would find, change and be stopped by. Changes nothing."""
    workload = await workload_of(parts, application, cluster, f"{application.name}-adopted")
    driver = await parts.driver(cluster)
    try:
        seen = await adopter_of(driver, cluster).adoptable(workload)
    except ClusterUnavailable as error:
        return Adoption(application=application.name, cluster=cluster, problems=(str(error),))
    told = Adoption(application=application.name, cluster=cluster, **seen.model_dump(exclude={"endpoints"}))
    missing = sorted(set(workload.ports) - {port for port, found in seen.endpoints.items() if found})
    if missing:
        reason = f"nobody outside of the cluster can reach the port {', '.join(missing)}"
        return told.and_(problems=() if told.problems else (reason,))
    side = Backend(name=cluster, instance=workload.instance, endpoints=dict(seen.endpoints))
    for stretch in await stretches(parts, application):
        told = told.and_(**await _route(application, stretch, side))
    return told


async def _route(application: Application, stretch: Stretch, side: Backend) -> dict[str, Sequence[str]]:
    where, name = f"gateway {stretch.gateway}", stretch.route.name
    document = documents.document(application.name, stretch.route, documents.only(side), "adoption")
    try:
        if not isinstance(stretch.adapter, RouteAdopter):
            if await stretch.adapter.read(name) is not None:
                return {"problems": (f"{where} has a route {name} of ours already",)}
            return {"changes": (f"{where} gets the route {name}, by which nobody was served before",)}
        found = await stretch.adapter.adoptable(document)
    except Unavailable as error:
        return {"problems": (str(error),)}
    if found is None:
        return {"problems": (f"{where} has no route {name} of somebody else",)}
    told = {"changes": found.changes, "problems": found.problems}
    return {"parts": (found.name,), **{key: [f"{found.name}: {one}" for one in said] for key, said in told.items()}}


def adopter_of(driver: object, cluster: str) -> InstanceAdopter:
    """The driver, if it adopts.

    Raises:
        InvalidWorkload: it does not.
    """
    if not isinstance(driver, InstanceAdopter):
        raise InvalidWorkload(f"cluster: the driver of {cluster} adopts nothing", field="cluster")
    return driver


async def _made(stretch: Stretch, document: RouteDocument, fence: Fence) -> Version:
    """A new route at a gateway that has none but ours. Written again under the same fence, it is the same one.

    Raises:
        Conflict: there is one of that name.
    """
    standing = await stretch.adapter.read(document.route)
    if standing is not None and standing.fence == fence and standing.document == document:
        return standing.version
    return await stretch.adapter.apply(document, fence=fence, base=None)


async def _acknowledged(order: ClaimOrder, stretch: Stretch, version: Version, missing: dict[str, str]) -> None:
    unchanged_at = time.monotonic()
    for pause in looks():
        answers = await stretch.adapter.acknowledged(stretch.route.name, version)
        reason = proof.why_not_acknowledged(answers, order.waived_instances)
        if reason is None:
            missing.pop(stretch.key, None)
            return
        missing[stretch.key] = reason
        unchanged_at = await check_unchanged(stretch, unchanged_at)
        await asyncio.sleep(pause)


async def _serves(order: ClaimOrder, stretch: Stretch) -> None:
    """See that users get good answers through every gateway instance, whoever gives them."""
    probe = proving.asker(stretch.route)
    for point in await probe_points(stretch, order.waived_instances):
        answers = await proving.ask(probe, stretch.route, point, PROBES)
        failed = next((one.failure for one in answers if one.failure), None)
        if failed is not None:
            raise NotProven(f"what was there before does not serve users through {point.instance}: {failed}")
