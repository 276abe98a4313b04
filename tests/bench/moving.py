# SPDX-License-Identifier: Apache-2.0
"""One application under traffic on the whole service, and the ways in which it can be moved.

All ways use the same clusters, gateways, application and traffic: what differs is the order of the steps.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from typing import Any

from relocate.demo import site
from relocate.demo.drive import Traffic
from relocate.demo.system import System
from relocate.demo.today import Place, move_in_todays_order, point_at, until_running, workload_of
from relocate.demo.traffic.plan import Flow, Protocol
from relocate.model.application import Application
from relocate.model.placement import Placement
from relocate.parts import Parts
from relocate.settings import Settings
from steering.model import Backend, Fence
from tests.bench.ours import DEADLINE_SECONDS, relocate
from tests.bench.watched import Watched

A, B = "mec-a", "mec-b"
POLICY: dict[str, Any] = {
    "bake_seconds": 1,
    "drain": {"window_seconds": 0.4, "deadline_seconds": 20, "at_deadline": "hold"},
    # What is measured here is losses: on a busy machine the application is slow by chance, on either side.
    "judging": {"max_p99_slack_seconds": 1.0},
}


class Way(StrEnum):
    """How an application is moved."""

    OURS = "ours"
    TODAY = "deploy, wait, flip, delete, no proof"
    DELETE_FIRST = "delete, then create"
    NOTHING = "the same deploy and remove, no steering"


def flows(share: float) -> tuple[Flow, ...]:
    """The demo's traffic over all protocols, at a share of its rate; streams live 2 s."""
    rates = {
        Protocol.HTTP1: 50,
        Protocol.HTTP2: 40,
        Protocol.GRPC: 30,
        Protocol.GRPC_STREAM: 20,
        Protocol.WEBSOCKET: 20,
    }
    paths = {Protocol.WEBSOCKET: "/ws"}
    return tuple(
        Flow(protocol=protocol, rate=share * rate, path=paths.get(protocol, "/whoami"), life_seconds=2)
        for protocol, rate in rates.items()
    )


def application(name: str, arguments: Sequence[str] = ()) -> Application:
    """The demo's application with a short policy, and as near to one cluster as to the other; told `arguments` besides."""
    body = site.application(name).model_dump(mode="json")
    body["policy"] = POLICY
    body["readiness"] |= {"stable_seconds": 0.3}
    body["workloads"]["process"]["command"] += ["--cell-distance-ms", "0", *arguments]
    return Application.model_validate(body)


class Moving(Watched):
    """One application, its traffic, and when it was moved how."""

    def __init__(
        self,
        system: System,
        name: str,
        *,
        traffic: Sequence[Flow] | None = None,
        share: float = 1.0,
        told: Sequence[str] = (),
    ) -> None:
        """Make it.

        Args:
            system: that runs.
            name: of the application.
            traffic: what is sent; None is the demo's traffic.
            share: of the demo's traffic.
            told: further arguments of the sample application.
        """
        super().__init__(name, Traffic(system, name, flows(share) if traffic is None else traffic))
        self.system = system
        self._parts = Parts.open(Settings(database_url=system.database_url))
        self._application = application(name, told)
        self._numbers = count(1)

    async def begin(self) -> None:
        """Place it on A and let its traffic flow."""
        await self.place()
        await self.flow()

    async def place(self) -> None:
        """Place it on A."""
        await self.system.describe(self._application)
        await self.system.place(self.name, A)

    async def end(self) -> None:
        """Stop the traffic."""
        await self.traffic.stop()
        await self._parts.close()

    async def move(self, way: Way, *, seconds: float = 0.0) -> float:
        """Move it to the cluster it is not on; the seconds it took. `seconds`: for NOTHING, how long at least."""
        return await self.during(way, self._moved(way, time.monotonic() + seconds))

    async def _moved(self, way: Way, until: float) -> None:
        source = self._placed().cluster
        target = B if source == A else A
        match way:
            case Way.OURS:
                self.views.append(await relocate(self.system, self.name, target))
            case Way.NOTHING:
                await self._nothing(target, until)
            case _:
                await self._theirs(way, source, target)
        self.system.processes.check()

    async def _theirs(self, way: Way, source: str, target: str) -> None:
        """On the service's own parts, with its records put right afterwards, so that ours can go on."""
        leases, placements = self._parts.database.leases, self._parts.database.placements
        lease = await asyncio.to_thread(leases.take, self.name, "bench")
        old, new = await self._place(source, self._placed().instance), await self._place(target, self._new_name())
        try:
            await self._steps(way, old, new, lease)
        finally:
            await asyncio.to_thread(leases.give_back, self.name, "bench")
        made = Placement(
            application=self.name,
            cluster=target,
            instance=new.instance,
            active=True,
            created_by="bench",
            created_at=datetime.now(UTC),
        )
        await asyncio.to_thread(placements.put, made)
        await asyncio.to_thread(placements.forget, self.name, source)

    async def _steps(self, way: Way, old: Place, new: Place, lease: int) -> None:
        fences = (Fence(lease=lease, sequence=number) for number in count(1))
        adapter = await self._parts.adapter(site.GATEWAY)
        if way is Way.TODAY:
            adapters = {site.GATEWAY: adapter}
            await move_in_todays_order(self._application, old, new, adapters=adapters, next_fence=lambda: next(fences))
            return
        await self._removed(old, next(fences))
        await new.driver.deploy(workload_of(self._application, new), next(fences))
        running = await until_running(self._application, new, DEADLINE_SECONDS, asyncio.sleep)
        backend = Backend(name=new.cluster, instance=new.instance, endpoints=running.endpoints)
        for route in self._application.routes:
            await point_at(backend, route, adapter, next(fences))

    async def _nothing(self, target: str, until: float) -> None:
        """Deploy beside, let it run for as long as a relocation takes, remove it; all requests stay where they are."""
        beside = await self._place(target, self._new_name())
        fence = Fence(lease=0, sequence=1)
        await beside.driver.deploy(workload_of(self._application, beside), fence)
        await until_running(self._application, beside, DEADLINE_SECONDS, asyncio.sleep)
        await asyncio.sleep(max(0.0, until - time.monotonic() - site.GRACE_SECONDS))
        await self._removed(beside, fence)

    async def _removed(self, place: Place, fence: Fence) -> None:
        await place.driver.remove(self.name, place.instance, fence)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await place.driver.gone(self.name, place.instance):  # noqa: ASYNC110 - a cluster tells nobody
                await asyncio.sleep(0.1)

    async def _place(self, cluster: str, instance: str) -> Place:
        return Place(cluster, await self._parts.driver(cluster), instance)

    def _placed(self) -> Placement:
        placed = self._parts.database.placements.active(self.name)
        if placed is None:
            raise RuntimeError(f"{self.name} is not placed")
        return placed

    def _new_name(self) -> str:
        return f"{self.name}-bench-{next(self._numbers)}"
