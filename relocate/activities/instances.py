# SPDX-License-Identifier: Apache-2.0
"""Instances on clusters: deployed, waited for, removed."""

import asyncio
from datetime import UTC, datetime

from temporalio import activity

from relocate.activities import calls
from relocate.activities.beginning import begin_change, begin_look
from relocate.activities.failures import translated
from relocate.activities.heartbeat import heartbeats
from relocate.activities.orders import ActivateOrder, InstanceOrder, Serving
from relocate.clusters.contract import ClusterDriver, InstanceState, Observation, Workload
from relocate.errors import ClusterUnavailable, InvalidWorkload, TargetFailed
from relocate.model.application import Application
from relocate.model.placement import Placement
from relocate.parts import Parts
from steering.model import Backend

PERIOD_SECONDS = 0.1
"""Time between two looks at an instance."""


class Instances:
    """Activities of `deploy` and of the removals."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.DEPLOY.name)
    @translated
    async def deploy(self, order: InstanceOrder) -> None:
        """Ask the cluster for the instance; the placement says that it is ours before it exists."""
        await begin_change(self._parts.database, order)
        workload = await workload_of(self._parts, order.application, order.cluster, order.instance)
        driver = await self._parts.driver(order.cluster)
        placement = Placement(
            application=order.application.name,
            cluster=order.cluster,
            instance=order.instance,
            active=False,
            created_by=order.relocation,
            created_at=datetime.now(UTC),
        )
        await asyncio.to_thread(self._parts.database.placements.put, placement)
        await driver.deploy(workload)

    @activity.defn(name=calls.AWAIT_RUNNING.name)
    @translated
    async def await_running(self, order: InstanceOrder) -> Serving:
        """Wait until the driver says that the instance runs; whether it serves is the gate's business."""
        await begin_look(self._parts.database, order)
        driver = await self._parts.driver(order.cluster)
        async with heartbeats():
            observed = await self._running(driver, order)
        backend = Backend(name=order.cluster, instance=order.instance, endpoints=observed.endpoints)
        return Serving(backend=backend, capacity=observed.capacity)

    @activity.defn(name=calls.REMOVE.name)
    @translated
    async def remove(self, order: InstanceOrder) -> None:
        """Remove one instance and wait until nothing of it is left."""
        await begin_change(self._parts.database, order)
        driver = await self._parts.driver(order.cluster)
        async with heartbeats():
            await driver.remove(order.application.name, order.instance)
            await _gone(driver, order)
        await asyncio.to_thread(self._parts.database.placements.forget, order.application.name, order.cluster)

    @activity.defn(name=calls.ACTIVATE.name)
    @translated
    async def activate(self, order: ActivateOrder) -> None:
        """Put the new placement on record."""
        await begin_change(self._parts.database, order)
        placements = self._parts.database.placements
        await asyncio.to_thread(placements.activate, order.application.name, order.active)
        if order.gone is not None:
            await asyncio.to_thread(placements.forget, order.application.name, order.gone)

    async def _running(self, driver: ClusterDriver, order: InstanceOrder) -> Observation:
        while True:
            try:
                observed = await driver.observe(order.application.name, order.instance)
            except ClusterUnavailable as error:
                # Unknown is neither running nor failed: the activity's own time-out bounds the wait.
                activity.logger.info("waiting for %s: %s", order.cluster, error)
            else:
                if observed.state is InstanceState.RUNNING:
                    return observed
                if observed.state in (InstanceState.FAILED, InstanceState.ABSENT):
                    raise TargetFailed(f"{order.instance} on {order.cluster} {observed.state}: {observed.reason}")
            await asyncio.sleep(PERIOD_SECONDS)


async def _gone(driver: ClusterDriver, order: InstanceOrder) -> None:
    while not await driver.gone(order.application.name, order.instance):  # noqa: ASYNC110 - a cluster tells nobody
        await asyncio.sleep(PERIOD_SECONDS)


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
    ports = tuple(dict.fromkeys(port.name for route in application.routes for port in route.ports))
    return Workload(application=application.name, instance=instance, ports=ports, settings=application.workloads[kind])
