# SPDX-License-Identifier: Apache-2.0
"""Instances on clusters: deployed, waited for, removed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity

from relocate.activities import calls
from relocate.activities.beginning import changing, looking
from relocate.activities.failures import translated
from relocate.activities.orders import ActivateOrder, Deployed, InstanceOrder, RemoveOrder, RunningOrder, Serving
from relocate.activities.pauses import pauses
from relocate.clusters.contract import ClusterDriver, InstanceState, Plan, Workload
from relocate.errors import (
    ClusterUnavailable,
    EvidenceNotStored,
    InvalidWorkload,
    NotProven,
    StaleFence,
    TargetFailed,
    Unhealthy,
)
from relocate.evidence.samples import Removed
from relocate.model.application import Application
from relocate.model.evidence import Claim
from relocate.model.placement import Placement
from relocate.parts import Parts
from relocate.store.catalogue import Placements
from relocate.store.evidence import append
from steering.model import Backend, Fence

PERIOD_SECONDS = 0.1
"""Longest time between two looks at an instance."""

REPEAT_SECONDS = 5.0
"""After so long without an effect a removal is ordered again: the first order may have been lost on the cluster's side."""


class Instances:
    """Activities of `deploy` and of the removals."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.DEPLOY.name)
    @translated
    async def deploy(self, order: InstanceOrder) -> Deployed:
        """Ask the cluster for the instance; the placement says that it is ours before it exists.

        Raises:
            StaleFence: the instance was removed meanwhile; what this late attempt made is removed again.
        """
        async with changing(self._parts.database, order):
            workload = await workload_of(self._parts, order.application, order.cluster, order.instance)
            driver = await self._parts.driver(order.cluster)
            late = f"{order.instance} was removed from {order.cluster} before this attempt had made it"
            async with ours(self._placements, order, order.relocation, driver.remove, late):
                await driver.deploy(workload, order.fence)
            serving, _ = await runs(driver, order)
            return Deployed(serving=None if driver.describe().stable_seconds else serving)

    @activity.defn(name=calls.AWAIT_RUNNING.name)
    @translated
    async def await_running(self, order: RunningOrder) -> Serving:
        """Wait until the driver says that the instance runs, and has said so for as long as it wants that to be.

        Whether it serves is the gate's business.

        Raises:
            TargetFailed: it will not run, or did not in time; the cluster's reason is in the text.
        """
        async with looking(self._parts.database, order):
            driver, begun = await self._parts.driver(order.cluster), time.monotonic()
            stable, since = driver.describe().stable_seconds, None
            for pause in pauses(PERIOD_SECONDS):
                serving, reason = await runs(driver, order)
                now = time.monotonic()
                since = None if serving is None else since or now
                if serving is not None and since is not None and now - since >= stable:
                    return serving
                if now - begun > order.seconds:
                    break
                await asyncio.sleep(pause)
            reason = reason or f"it runs, but not yet for {stable:g} s"
            text = f"{order.instance} does not run on {order.cluster} after {order.seconds:g} s: {reason}"
            raise TargetFailed(text)

    @activity.defn(name=calls.REMOVE.name)
    @translated
    async def remove(self, order: RemoveOrder) -> None:
        """Remove one instance and wait until nothing of it is left; then it is struck from the record.

        It looks again after that: a late attempt of `deploy` comes before that look, or finds that the instance is not
        ours any more.

        Raises:
            StaleFence: a newer step or undo has been here, or at the cluster; an attempt that hung removes nothing.
            NotProven: the cluster says that something is left which will not go by itself.
        """
        async with changing(self._parts.database, order):
            driver = await self._parts.driver(order.cluster)
            await self._remove(driver, order)
            await asyncio.to_thread(self._forget, order)
            await self._remove(driver, order)

    @activity.defn(name=calls.SECURE.name)
    @translated
    async def secure(self, order: InstanceOrder) -> None:
        """See that an instance whose removal was ordered stays: its cluster refuses that removal from now on.

        Raises:
            Unhealthy: it does not run (any more); a removal may have come first.
        """
        async with changing(self._parts.database, order):
            driver = await self._parts.driver(order.cluster)
            await driver.advance(order.application.name, order.instance, order.fence)
            observed = await driver.observe(order.application.name, order.instance)
            if observed.state is not InstanceState.RUNNING:
                raise Unhealthy(f"{order.instance} on {order.cluster} is {observed.state}: {observed.reason}")

    @activity.defn(name=calls.ACTIVATE.name)
    @translated
    async def activate(self, order: ActivateOrder) -> None:
        """Put the new placement on record."""
        async with changing(self._parts.database, order):
            await asyncio.to_thread(self._placements.activate, order.application.name, order.active, order.fence)

    @property
    def _placements(self) -> Placements:
        return self._parts.database.placements

    async def _remove(self, driver: ClusterDriver, order: RemoveOrder) -> None:
        # Whoever waited for the driver, or was frozen, may have been overtaken; the cluster's fence covers what is left.
        await asyncio.to_thread(self._parts.database.leases.check, order.application.name, order.fence)
        which = order.application.name, order.instance
        await driver.remove(*which, order.fence)
        pause, ordered = pauses(PERIOD_SECONDS), time.monotonic()
        while not await driver.gone(*which):
            stuck = await driver.stuck(*which)
            if stuck is not None:
                raise NotProven(f"{order.instance} is not gone from {order.cluster}: {stuck}")
            await asyncio.sleep(next(pause))
            if time.monotonic() - ordered > REPEAT_SECONDS:
                await driver.remove(*which, order.fence)
                ordered = time.monotonic()

    def _forget(self, order: RemoveOrder) -> None:
        """Strike the placement and put the removal on record: both or neither."""
        saying = partial(append, relocation=order.relocation, claims=[_removed(order)])
        name = order.application.name
        try:
            one = (name, order.cluster, order.instance)
            self._placements.forget(*one, serves=order.serves, fence=order.fence, also=saying)
        except SQLAlchemyError as error:
            raise EvidenceNotStored(f"the removal could not be put on record: {error}") from error


@asynccontextmanager
async def ours(
    placements: Placements,
    order: InstanceOrder,
    created_by: str,
    undo: Callable[[str, str, Fence], Awaitable[None]],
    late: str,
) -> AsyncIterator[None]:
    """While the block makes an instance ours: the placement says so before, and whoever was too late undoes what it did.

    Args:
        placements: where it is put on record.
        order: which instance, and under which fence.
        created_by: what the placement says of that.
        undo: the driver's, by application, instance and fence.
        late: what happened when the placement has been struck meanwhile.

    Raises:
        StaleFence: it has been.
    """
    name = order.application.name
    placement = Placement(
        application=name,
        cluster=order.cluster,
        instance=order.instance,
        active=False,
        created_by=created_by,
        created_at=datetime.now(UTC),
    )
    await asyncio.to_thread(placements.put, placement, order.fence)
    yield
    placed = await asyncio.to_thread(placements.of, name)
    if (order.cluster, order.instance) not in {(one.cluster, one.instance) for one in placed}:
        await undo(name, order.instance, order.fence)
        raise StaleFence(late)


async def runs(driver: ClusterDriver, order: InstanceOrder) -> tuple[Serving | None, str]:
    """The instance if it runs; None if that is still to come, and why.

    Raises:
        TargetFailed: it will not run.
    """
    try:
        observed = await driver.observe(order.application.name, order.instance)
    except ClusterUnavailable as error:
        # Unknown is neither running nor failed: the activity's own time-out bounds the wait.
        activity.logger.info("waiting for %s: %s", order.cluster, error)
        return None, str(error)
    if observed.state in (InstanceState.FAILED, InstanceState.ABSENT):
        raise TargetFailed(f"{order.instance} on {order.cluster} {observed.state}: {observed.reason}")
    if observed.state is not InstanceState.RUNNING:
        return None, observed.reason
    backend = Backend(name=order.cluster, instance=order.instance, endpoints=observed.endpoints)
    return Serving(backend=backend, capacity=observed.capacity), ""


def _removed(order: RemoveOrder) -> Claim:
    samples = Removed(cluster=order.cluster, instance=order.instance, fence=order.fence)
    return Claim(
        rung="note",
        phase=order.phase,
        side=order.cluster,
        sentence=f"{order.instance} was removed from {order.cluster}, which says that it is gone",
        detail=samples.detail(),
    )


async def preflight(parts: Parts, application: Application, cluster: str) -> Plan:
    """What a deploy on this cluster would do, and what would stop it. Changes nothing."""
    try:
        workload = await workload_of(parts, application, cluster, f"{application.name}-plan")
        return await (await parts.driver(cluster)).plan(workload)
    except (ClusterUnavailable, InvalidWorkload) as error:
        return Plan(problems=(str(error),))


async def workload_of(parts: Parts, application: Application, cluster: str, instance: str) -> Workload:
    """What to run on this cluster.

    Raises:
        InvalidWorkload: the application does not say what to run on this kind of cluster.
    """
    kind = await parts.driver_kind(cluster)
    if kind not in application.workloads:
        said = ", ".join(sorted(application.workloads))
        text = f"workloads: {application.name} cannot run on {cluster}: nothing for {kind}; there is {said}"
        raise InvalidWorkload(text, field="workloads")
    return Workload(
        application=application.name,
        instance=instance,
        ports=application.port_names,
        settings=application.workloads[kind],
    )
