# SPDX-License-Identifier: Apache-2.0
"""One move by the service, asked for and followed through its API, with the fault that may strike in it."""

import asyncio
from dataclasses import dataclass, field

import httpx

from relocate.demo import site
from relocate.demo.drive import now_ns
from relocate.demo.faults import BY_KEY, Fault
from relocate.demo.report.model import FaultReport
from relocate.demo.system import System, Tell
from relocate.model.relocation import Status, View

WAIT_SECONDS = 90.0
"""Longest time for one relocation of the demo."""
PERIOD_SECONDS = 0.05
"""Time between two looks at it."""


@dataclass
class Mover:
    """Asks for moves, one after the other."""

    system: System
    tell: Tell
    mark: Tell
    """Takes what happened, for the page's chart."""
    fault: Fault | None = None
    """What will strike next."""
    met: dict[str, tuple[Fault, FaultReport]] = field(default_factory=dict)
    """What has struck, by relocation."""

    def press(self, key: str) -> None:
        """A key was pressed: `k` kills the target, once."""
        if key == "k" and self.fault is None and not self.met:
            self.fault = BY_KEY
            self.tell("k: the instance on the target will be killed as soon as it has traffic")

    async def move(self, source: str, target: str) -> View:
        """One move, to its end or to the question for an operator.

        Raises:
            TimeoutError: it did not end; the text says where it stands.
        """
        fault = self.fault
        if fault is not None and fault.arguments:
            await self.system.describe(self.system.ground.application(site.OURS, fault.arguments))
        async with self.system.client() as client:
            options = fault.options if fault is not None else {}
            identity = await self.system.ground.ask(client, source, target, options)
            if fault is not None and fault.strike is None:
                self._note(identity, fault, FaultReport(name=fault.name, sentence=fault.sentence))
            view = await self._follow(client, identity)
        if fault is not None and fault.arguments:
            await self.system.describe(self.system.ground.application(site.OURS))
        return view

    async def _follow(self, client: httpx.AsyncClient, identity: str) -> View:
        said, view = "", None
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    self.system.processes.check()
                    view = await _look(client, identity)
                    if view.sentence != said:
                        said = view.sentence
                        self.tell(f"  {view.phase or view.status}: {said}")
                    if view.status in (Status.FINISHED, Status.NEEDS_OPERATOR):
                        return view
                    await self._strike(client, view)
                    await asyncio.sleep(PERIOD_SECONDS)
        except TimeoutError as error:
            where = f"{view.phase or view.status}: {view.sentence}" if view is not None else "it was not seen at all"
            raise TimeoutError(f"the relocation did not end within {WAIT_SECONDS:g} s; it is in {where}") from error

    async def _strike(self, client: httpx.AsyncClient, view: View) -> None:
        """Let the fault happen if its moment is there, and still is when it has lingered."""
        fault = self.fault
        if fault is None or fault.strike is None or not fault.due(view):
            return
        await asyncio.sleep(fault.linger_seconds)
        view = await _look(client, view.id)
        if not fault.due(view):
            return
        at = now_ns()
        sentence = await fault.strike(self.system, view)
        self._note(view.id, fault, FaultReport(name=fault.name, sentence=sentence, at_ns=at))
        self.tell(f"  >> {sentence}")
        self.mark(sentence)

    def _note(self, identity: str, fault: Fault, report: FaultReport) -> None:
        self.met[identity] = (fault, report)
        self.fault = None


async def _look(client: httpx.AsyncClient, identity: str) -> View:
    answer = await client.get(f"/v1/relocations/{identity}")
    return View.model_validate(answer.raise_for_status().json())
