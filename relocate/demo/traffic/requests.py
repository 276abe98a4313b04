# SPDX-License-Identifier: Apache-2.0
"""Single requests on a timetable: each is sent when it is due, however the ones before it fare."""

import asyncio

from relocate.demo.traffic.clients.contract import Requester
from relocate.demo.traffic.ledger import Ledger, NotRightError, Ticket, failed
from relocate.demo.traffic.pace import due_slots
from relocate.demo.traffic.run import Run
from relocate.demo.traffic.timetable import NANOSECONDS, Timetable


class RequestFlow:
    """One timetable of single requests."""

    def __init__(self, run: Run, index: int, table: Timetable, requester: Requester) -> None:
        """Args: run: what all flows share; index: the timetable's number; table: when; requester: how."""
        self._run = run
        self._index = index
        self._table = table
        self._requester = requester
        self._open: set[asyncio.Task[None]] = set()

    async def go(self) -> None:
        """Send until the stop, then wait for what is open, for the grace time at most."""
        ledger = self._run.ledger
        async for slot in due_slots(self._table, self._run.clock, self._run.stop):
            ticket = ledger.enter(self._index, self._table, slot)
            if len(self._open) >= self._run.plan.max_outstanding:
                ledger.missing(ticket, f"not sent: {len(self._open)} requests are open")
                continue
            task = asyncio.create_task(self._conclude(ticket))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        await self._finish()

    async def _conclude(self, ticket: Ticket) -> None:
        ledger: Ledger = self._run.ledger
        limit_seconds = self._run.plan.timeout_seconds - (self._run.clock() - ticket.due_ns) / NANOSECONDS
        try:
            async with asyncio.timeout(limit_seconds):
                answer = await self._requester.ask(ticket, self._run.cells[self._table.ue])
        except NotRightError as reason:
            ledger.not_right(ticket, reason)
        except TimeoutError:
            ledger.not_right(ticket, failed(f"no answer within {self._run.plan.timeout_seconds:g} s"))
        except Exception as error:  # noqa: BLE001 - whatever else a client library raises, this request failed
            ledger.not_right(ticket, failed(f"{type(error).__name__}: {error}"))
        else:
            ledger.right(ticket, answer)

    async def _finish(self) -> None:
        if self._open:
            await asyncio.wait(self._open, timeout=self._run.plan.grace_seconds)
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._requester.close()
