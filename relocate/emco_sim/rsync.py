# SPDX-License-Identifier: Apache-2.0
"""EMCO's rsync: carries contexts out, one application on one cluster at a time, while nobody waits for it.

What is new is put there and what is gone is deleted *in the same moment*: the delete waits neither for the other to be applied nor for
it to be ready. A cluster that cannot be reached is tried again for ever.
"""

import asyncio
import operator
from collections.abc import Awaitable, Callable, Collection
from enum import StrEnum
from typing import NamedTuple

import structlog
from tenacity import retry, retry_if_result, wait_fixed

from relocate.clusters.contract import ClusterDriver, InstanceState, Observation, Workload
from relocate.emco_sim.group import Context
from relocate.emco_sim.placement import Cluster
from relocate.emco_sim.status import Seen
from relocate.errors import ClusterUnavailable, RelocateError
from steering.model import Fence

RETRY_SECONDS = 2.0
LOOK_SECONDS = 0.1

_log = structlog.get_logger(__name__)


class Release(StrEnum):
    """Whose behaviour it has, where they differ."""

    R22_03 = "22.03"
    MAIN = "main"
    """An update that only takes clusters away leaves what ran there running, and says that all is well."""


class App(NamedTuple):
    """What one application of a group runs on one cluster."""

    application: str
    """A name of it for the cluster."""
    ports: tuple[str, ...]
    settings: dict[str, object]
    """Its workload for that cluster's kind of driver."""


Place = tuple[str, Cluster]
"""An application, and a cluster."""


class Rsync:
    """Of one deployment intent group."""

    def __init__(
        self,
        release: Release,
        driver: Callable[[Cluster], Awaitable[ClusterDriver]],
        app: Callable[[str, Cluster], App],
    ) -> None:
        """Args: release: whose behaviour; driver: of a cluster; app: what an application runs on a cluster."""
        self._release = release
        self._driver = driver
        self._app = app
        self._running: dict[Place, str] = {}
        """Instances, also those that are being removed."""
        self._tasks: set[asyncio.Task[None]] = set()

    def instantiate(self, context: Context) -> None:
        """Put everything where it belongs."""
        for place in context.wanted:
            self._begin(self._apply(context, place))

    def update(self, before: Context, context: Context) -> None:
        """Put what is new, and delete what is gone."""
        for place in context.wanted & before.wanted:
            if place in before.applied:
                context.applied.add(place)
            else:
                self._begin(self._apply(context, place))
        for place in context.wanted - before.wanted:
            self._begin(self._apply(context, place))
        gone = before.wanted - context.wanted
        if self._release is Release.MAIN and not context.wanted - before.wanted:
            return
        self._delete(before, gone)

    def terminate(self, context: Context) -> None:
        """Delete everything."""
        self._delete(context, context.wanted)

    async def seen(self, places: Collection[Place]) -> dict[Place, Seen]:
        """What monitors say."""
        return {place: await self._look(place) for place in places}

    async def close(self) -> None:
        """Leave everything as it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _delete(self, context: Context, places: Collection[Place]) -> None:
        for place in places:
            self._begin(self._remove(context, place))

    async def _apply(self, context: Context, place: Place) -> None:
        app, cluster = place
        runs = self._app(app, cluster)
        instance = f"{runs.application}-{context.id[-8:]}"
        workload = Workload(application=runs.application, instance=instance, ports=runs.ports, settings=runs.settings)
        self._running[place] = instance
        try:
            await _persistently(cluster, lambda driver: driver.deploy(workload, _fence(context)), self._driver)
        except RelocateError as error:
            context.failed = str(error)
            _log.warning("could not be applied", app=app, cluster=str(cluster), reason=str(error))
        else:
            context.applied.add(place)

    async def _remove(self, context: Context, place: Place) -> None:
        app, cluster = place
        instance = self._running.get(place)
        if instance is None:
            context.deleted.add(place)
            return
        name = self._app(app, cluster).application
        await _persistently(cluster, lambda driver: driver.remove(name, instance, _fence(context)), self._driver)
        await _gone(await self._driver(cluster), name, instance)
        if self._running.get(place) == instance:
            del self._running[place]
        context.deleted.add(place)

    async def _look(self, place: Place) -> Seen:
        app, cluster = place
        instance = self._running.get(place)
        if instance is None:
            return Seen(ready=False, present=False)
        try:
            driver = await self._driver(cluster)
            observed: Observation = await driver.observe(self._app(app, cluster).application, instance)
        except ClusterUnavailable:
            return Seen(ready=False, present=True, reachable=False)
        return Seen(ready=observed.state is InstanceState.RUNNING, present=observed.state is not InstanceState.ABSENT)


@retry(retry=retry_if_result(operator.not_), wait=wait_fixed(LOOK_SECONDS))
async def _gone(driver: ClusterDriver, application: str, instance: str) -> bool | None:
    """Wait until nothing of it is left; whatever is not known is not gone."""
    try:
        return await driver.gone(application, instance)
    except ClusterUnavailable:
        return None


async def _persistently(
    cluster: Cluster,
    work: Callable[[ClusterDriver], Awaitable[None]],
    driver: Callable[[Cluster], Awaitable[ClusterDriver]],
) -> None:
    while True:
        try:
            await work(await driver(cluster))
        except ClusterUnavailable as error:
            _log.info("tried again", cluster=str(cluster), reason=str(error))
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


def _fence(context: Context) -> Fence:
    """Later contexts come later."""
    return Fence(lease=context.revision, sequence=1 if context.superseded or context.terminating else 0)
