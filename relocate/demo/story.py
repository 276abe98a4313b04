# SPDX-License-Identifier: Apache-2.0
"""The story that the demo tells: the same drive twice, first in today's order, then with the service."""

import asyncio
from dataclasses import dataclass, field

from relocate.demo import site
from relocate.demo.drive import DecisionEngine, Traffic, now_ns
from relocate.demo.ground import Today
from relocate.demo.moving import Mover
from relocate.demo.report.model import Drive, Order
from relocate.demo.system import System, Tell
from relocate.model.relocation import Outcome, Status, View
from relocate.parts import Parts
from relocate.settings import Settings

CALM_SECONDS = 2.0
"""Traffic before a drive begins, and after it has ended."""
AGAIN_SECONDS = 3.0
"""From a move that went back to the next attempt; a cluster that has just failed is left alone for a moment."""


@dataclass
class Story:
    """What has happened so far."""

    system: System
    traffic: Traffic
    mover: Mover
    tell: Tell
    drives: list[Drive] = field(default_factory=list)
    relocations: list[View] = field(default_factory=list)
    _serving: str = "mec-a"

    async def begin(self) -> None:
        """The application serves from A, and the UE uses it."""
        await self.system.configure()
        await self.system.ground.begin(self.system, "mec-a")
        self.tell(f"{site.OURS} serves from mec-a")
        await self.traffic.start()
        first = await self.traffic.first_number()
        self.tell(f"the UE in {site.CELLS['mec-a']} sends {first['sent']} requests/s, p50 {first['p50_ms']:.1f} ms")
        await asyncio.sleep(CALM_SECONDS)

    async def drive_today(self) -> None:
        """There and back, moved in today's order."""
        start = now_ns()
        self.traffic.mark("today's order begins")
        for source, target in (("mec-a", "mec-b"), ("mec-b", "mec-a")):
            await self._enter(site.CELLS[target])
            await self._move_today(source, target)
            await asyncio.sleep(CALM_SECONDS)
        self.drives.append(Drive(order=Order.TODAY, start_ns=start, end_ns=now_ns()))
        self.traffic.mark("today's order ends")
        await asyncio.sleep(CALM_SECONDS)
        await self._compare()

    async def drive_ours(self) -> None:
        """There and back, moved by the service."""
        start = now_ns()
        self.traffic.mark("our drive begins")
        for source, target in (("mec-a", "mec-b"), ("mec-b", "mec-a")):
            if self._serving == source:
                await self._enter(site.CELLS[target])
                await self._move(source, target)
            else:
                await self._drive_to(site.CELLS[target])
                self.tell(f"the UE drove to {site.CELLS[target]}: {target} is near, and serves it already")
            await asyncio.sleep(CALM_SECONDS)
        self.drives.append(Drive(order=Order.OURS, start_ns=start, end_ns=now_ns()))
        self.traffic.mark("our drive ends")

    async def end(self) -> None:
        """The traffic stops; what is open is waited for."""
        await self.traffic.stop()
        await self._compare()

    async def _compare(self) -> None:
        windows = {drive.order.value: (drive.start_ns, drive.end_ns) for drive in self.drives}
        await self.traffic.compare(**windows)

    @property
    def otherwise(self) -> str | None:
        """The first move of ours that did not end as it should have, in a sentence, or None."""
        for view in self.relocations:
            fault = self.mover.met.get(view.id)
            expected = fault[0].outcome if fault else Outcome.COMPLETED
            if view.outcome is not expected:
                how = view.outcome or f"{view.status} ({view.next_step})"
                return f"{view.id} from {view.source} to {view.target} ended {how}, not {expected}: {view.sentence}"
        return None

    async def _move(self, source: str, target: str) -> None:
        """As often as the decision engine asks: once, and again when what went wrong has passed."""
        view = await self.mover.move(source, target)
        self.relocations.append(view)
        if view.outcome is Outcome.COMPLETED:
            self._serving = target
            return
        fault = self.mover.met.get(view.id)
        self.tell(f"{site.OURS} stays on {source}, users with it: {view.sentence}")
        if fault is not None and fault[0].passes and view.status is Status.FINISHED:
            await asyncio.sleep(AGAIN_SECONDS)
            self.tell("the UE is still too far away: the decision engine asks again")
            await self._move(source, target)

    async def _enter(self, cell: str) -> None:
        await self._drive_to(cell)
        latency = await DecisionEngine(self.traffic).latency_rises()
        self.tell(f"the UE drove to {cell}: p50 {latency:.1f} ms, too far away")

    async def _drive_to(self, cell: str) -> None:
        await self.traffic.enter(cell)
        self.traffic.mark(f"the UE drives into {cell}")

    async def _move_today(self, source: str, target: str) -> None:
        ground, parts = self.system.ground, Parts.open(Settings(database_url=self.system.database_url))
        try:
            with Today.begun(self.system, parts) as today:
                await ground.move_today(today, source, target)
        finally:
            await parts.close()
        self.tell(f"today's order: {ground.today.format(source=source, target=target)}")
