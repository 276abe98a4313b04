# SPDX-License-Identifier: Apache-2.0
"""One run of the traffic, from its plan to its closed record file."""

import asyncio
import signal
import sys

from relocate.demo.traffic.control import follow_stdin
from relocate.demo.traffic.ledger import Ledger
from relocate.demo.traffic.lines import Lines
from relocate.demo.traffic.live import Display, Sums
from relocate.demo.traffic.pace import Stop
from relocate.demo.traffic.plan import STREAMS, Flow, TrafficPlan
from relocate.demo.traffic.record import Event, Record, RecordFile
from relocate.demo.traffic.requests import RequestFlow
from relocate.demo.traffic.run import Run
from relocate.demo.traffic.streams import StreamFlow
from relocate.demo.traffic.timetable import NANOSECONDS, Timetable, anchored_clock, timetables

SECOND = 1.0


def complain(text: str) -> None:
    """Tell whoever reads standard error."""
    sys.stderr.write(f"traffic: {text}\n")


class Traffic:
    """All flows of one plan. Made inside the event loop that runs it."""

    def __init__(self, plan: TrafficPlan) -> None:
        """Args: plan: what to send."""
        self._plan = plan
        clock = anchored_clock()
        self._tables = timetables(plan, clock() + round(plan.lead_seconds * NANOSECONDS))
        self._file = RecordFile(plan.records_file, [table for table, _ in self._tables])
        self._sums = Sums()
        self._lines = Lines(plan)
        cells = {ue.name: ue.cell for ue in plan.ues}
        self.run = Run(plan, clock, Stop(clock), Ledger(clock, self._keep), cells, self._file.add_event)

    async def go(self) -> None:
        """Send until the stop, wait for what is open, and close the record file."""
        display = Display(self._plan.seconds_file, self._plan.seconds_url)
        pulse = asyncio.create_task(self._pulse(display))
        try:
            async with asyncio.TaskGroup() as flows:
                for index, (table, flow) in enumerate(self._tables):
                    flows.create_task(self._flow(index, table, flow).go())
        finally:
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)
            await self._lines.close()
            await self._close(display)

    def _flow(self, index: int, table: Timetable, flow: Flow) -> RequestFlow | StreamFlow:
        if flow.protocol in STREAMS:
            return StreamFlow(self.run, index, table, flow.life_seconds, self._lines.conversations(table, flow))
        return RequestFlow(self.run, index, table, self._lines.requester(table, flow))

    def _keep(self, record: Record) -> None:
        self._file.add(record)
        self._sums.add(self._tables[record.timetable][0].protocol, record)

    async def _pulse(self, display: Display) -> None:
        """Once a second: what was recorded reaches the file, and the sums whoever watches."""
        while True:
            await asyncio.sleep(SECOND)
            self._file.flush()
            await display.show(self._line())

    def _line(self) -> dict[str, object]:
        return self._sums.take(self.run.clock(), self.run.ledger.outstanding)

    async def _close(self, display: Display) -> None:
        self.run.ledger.close()
        self._file.add_event(Event("end", self.run.stop.at_ns or self.run.clock()))
        self._file.close()
        await display.show(self._line())
        await display.close()


async def run_traffic(plan: TrafficPlan) -> None:
    """Run until SIGTERM, SIGINT, or the end of standard input where that is the control."""
    traffic = Traffic(plan)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, traffic.run.stop.now)
    control = asyncio.create_task(follow_stdin(traffic.run, complain)) if plan.control == "stdin" else None
    try:
        await traffic.go()
    finally:
        if control is not None:
            control.cancel()
            await asyncio.gather(control, return_exceptions=True)
