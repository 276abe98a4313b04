# SPDX-License-Identifier: Apache-2.0
"""Today's order of moving an application: deploy on B, wait until the cluster says it runs, point the route at B, delete A.

It stands for what EMCO's Migrate does and what most scripts do, on the same clusters, gateways and application as ours,
so that the comparison is about the order alone. Said honestly:

- *The wait is real, the readiness is not.* EMCO's "Ready" opened at the first monitor event after Instantiated, whether
  the new copy was ready or not (measured: 1.3 s after the update, with 0 of 1 ready). Here we wait until the driver says
  `running`, which is more than that and still not "it serves".
- *The route is written once*, with B alone, and nobody asks the gateways whether they took it.
- *A is deleted at once*: EMCO enqueues the delete in the moment in which it applies the update; neither waits for the
  other. Nothing drains but what A does by itself when it is asked to end.
- *It is not a straw man*: a script with a readiness probe, a `sleep` and a preStop hook loses less; how much less is luck,
  as it proves nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from relocate.clusters.contract import ClusterDriver, InstanceState, Observation, Workload
from relocate.errors import NotProven, TargetFailed
from relocate.model.application import Application, Route
from steering.contract import SteeringAdapter
from steering.errors import UnknownRoute
from steering.model import Backend, Fence, RouteDocument

POLL_SECONDS = 0.1

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Place:
    """One cluster with the instance that runs, or shall run, there."""

    cluster: str
    driver: ClusterDriver
    instance: str


async def move_in_todays_order(
    application: Application,
    source: Place,
    target: Place,
    *,
    adapters: Mapping[str, SteeringAdapter],
    next_fence: Callable[[], Fence],
    deadline_seconds: float = 30.0,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Move the application from source to target, as it is done today.

    Args:
        application: what is moved; its routes name their gateways.
        source: where it runs.
        target: where it shall run; the instance does not exist yet.
        adapters: by gateway name, one for each gateway of each route.
        next_fence: gives a fence that is higher than every one before, once for each write and each order to a cluster.
        deadline_seconds: how long B may take until its cluster says that it runs.
        sleep: waits some seconds.

    Raises:
        TargetFailed: the cluster says that B will not run; the route and A are as they were.
        NotProven: the cluster did not say in time that B runs; the route and A are as they were.
        UnknownRoute: a gateway does not have a route of the application; A is as it was.
    """
    await target.driver.deploy(workload_of(application, target), next_fence())
    running = await until_running(application, target, deadline_seconds, sleep)
    backend = Backend(name=target.cluster, instance=target.instance, endpoints=running.endpoints)
    for route in application.routes:
        for gateway in route.gateways:
            await point_at(backend, route, adapters[gateway], next_fence())
    await source.driver.remove(application.name, source.instance, next_fence())


def workload_of(application: Application, target: Place) -> Workload:
    """What is deployed at a place: the part that the application says for this kind of driver, with every port."""
    settings = application.workloads[target.driver.describe().kind]
    return Workload(
        application=application.name, instance=target.instance, ports=application.port_names, settings=settings
    )


async def until_running(application: Application, target: Place, deadline_seconds: float, sleep: Sleep) -> Observation:
    """Wait until the cluster says that the instance runs, which proves nothing about whether it serves.

    Raises:
        TargetFailed: the cluster says that it will not run.
        NotProven: it was not said in time.
    """
    for _ in range(max(1, round(deadline_seconds / POLL_SECONDS))):
        seen = await target.driver.observe(application.name, target.instance)
        if seen.state is InstanceState.RUNNING:
            return seen
        if seen.state is InstanceState.FAILED:
            raise TargetFailed(f"{target.instance} on {target.cluster} failed: {seen.reason}")
        await sleep(POLL_SECONDS)
    raise NotProven(f"{target.cluster} did not say within {deadline_seconds:g} s that {target.instance} runs")


async def point_at(backend: Backend, route: Route, adapter: SteeringAdapter, fence: Fence) -> None:
    """Write the route with this backend alone, and ask nobody whether it arrived.

    Raises:
        UnknownRoute: the gateway does not have the route.
    """
    state = await adapter.read(route.name)
    if state is None:
        raise UnknownRoute(f"{route.name}: the gateway has no such route")
    ports = {port.name for port in state.document.ports}
    own = backend.model_copy(
        update={"endpoints": {name: at for name, at in backend.endpoints.items() if name in ports}}
    )
    document = RouteDocument.model_validate(
        state.document.model_dump()
        | {
            "backends": [own.model_dump()],
            "weights": {backend.name: 100},
            "failover": False,
            "probe_paths": [],
            "epoch": f"today-{uuid4().hex}",
        }
    )
    await adapter.apply(document, fence=fence, base=state.version)
