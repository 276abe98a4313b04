# SPDX-License-Identifier: Apache-2.0
"""The story that the demo tells: the same drive twice, first in today's order, then with the service."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import httpx

from relocate.demo import site
from relocate.demo.drive import DecisionEngine, Traffic, now_ns
from relocate.demo.report.model import Drive, Order
from relocate.demo.system import System, Tell
from relocate.demo.today import Place, move_in_todays_order
from relocate.model.placement import Placement
from relocate.model.relocation import Status, View
from relocate.parts import Parts
from relocate.settings import Settings
from steering.model import Fence

CALM_SECONDS = 2.0
"""Traffic before a drive begins, and after it has ended."""
WAIT_SECONDS = 90.0
"""Longest time for one relocation of the demo."""


@dataclass
class Story:
    """What has happened so far."""

    system: System
    traffic: Traffic
    tell: Tell
    drives: list[Drive] = field(default_factory=list)
    relocations: list[View] = field(default_factory=list)

    async def begin(self) -> None:
        """The application serves from A, and the UE uses it."""
        await self.system.configure()
        await self.system.place(site.OURS, "mec-a")
        self.tell(f"{site.OURS} serves from mec-a")
        await self.traffic.start()
        first = await self.traffic.first_number()
        self.tell(f"the UE in {site.CELLS['mec-a']} sends {first['sent']} requests/s, p50 {first['p50_ms']:.1f} ms")
        await asyncio.sleep(CALM_SECONDS)

    async def drive_today(self) -> None:
        """There and back, moved in today's order."""
        start = now_ns()
        for source, target in (("mec-a", "mec-b"), ("mec-b", "mec-a")):
            await self._enter(site.CELLS[target])
            await self._move_today(source, target)
            await asyncio.sleep(CALM_SECONDS)
        self.drives.append(Drive(order=Order.TODAY, start_ns=start, end_ns=now_ns()))

    async def drive_ours(self) -> None:
        """There and back, moved by the service."""
        start = now_ns()
        for source, target in (("mec-a", "mec-b"), ("mec-b", "mec-a")):
            await self._enter(site.CELLS[target])
            await self._relocate(source, target)
            await asyncio.sleep(CALM_SECONDS)
        self.drives.append(Drive(order=Order.OURS, start_ns=start, end_ns=now_ns()))

    async def _enter(self, cell: str) -> None:
        await self.traffic.enter(cell)
        latency = await DecisionEngine(self.traffic).latency_rises()
        self.tell(f"the UE drove to {cell}: p50 {latency:.1f} ms, too far away")

    async def _move_today(self, source: str, target: str) -> None:
        parts = Parts.open(Settings(database_url=self.system.database_url))
        try:
            await _move_today(parts, source, target)
        finally:
            await parts.close()
        self.tell(f"today's order: deployed on {target}, route pointed there, {source} deleted")

    async def _relocate(self, source: str, target: str) -> None:
        async with self.system.client() as client:
            body = {
                "application": site.OURS,
                "candidates": [source, target],
                "cell": site.CELLS[target],
                "reason": f"the UE moved to {site.CELLS[target]}",
            }
            answer = await client.post("/relocate", json=body)
            answer.raise_for_status()
            view = await self._follow(client, answer.json()["id"])
        self.relocations.append(view)

    async def _follow(self, client: httpx.AsyncClient, identity: str) -> View:
        said = ""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                view = View.model_validate((await client.get(f"/v1/relocations/{identity}")).raise_for_status().json())
                if view.sentence != said:
                    said = view.sentence
                    self.tell(f"  {view.phase or view.status}: {said}")
                if view.status in (Status.FINISHED, Status.NEEDS_OPERATOR):
                    return view
                await asyncio.sleep(0.1)


async def _move_today(parts: Parts, source: str, target: str) -> None:
    """Today's order on the service's own parts; the placement is put right afterwards, so that ours can go on."""
    application = site.application(site.OURS)
    placed = parts.database.placements.active(site.OURS)
    if placed is None:
        raise RuntimeError(f"{site.OURS} is not placed")
    lease = parts.database.leases.take(site.OURS, "today")
    fences = _fences(lease)
    instance = f"{site.OURS}-today-{lease}"
    try:
        await move_in_todays_order(
            application,
            Place(source, await parts.driver(source), placed.instance),
            Place(target, await parts.driver(target), instance),
            adapters={site.GATEWAY: await parts.adapter(site.GATEWAY)},
            next_fence=lambda: next(fences),
        )
    finally:
        parts.database.leases.give_back(site.OURS, "today")
    made = Placement(
        application=site.OURS,
        cluster=target,
        instance=instance,
        active=True,
        created_by="today",
        created_at=datetime.now(UTC),
    )
    parts.database.placements.put(made)
    parts.database.placements.forget(site.OURS, source)


def _fences(lease: int) -> Iterator[Fence]:
    return (Fence(lease=lease, sequence=number) for number in count(1))
