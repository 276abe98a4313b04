# SPDX-License-Identifier: Apache-2.0
"""Stand-ins behind the traffic's own contracts: a clock that stands still, and clients without a network."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from relocate.demo.traffic.clients.contract import Conversation, Life, Requester
from relocate.demo.traffic.ledger import Answer, Ledger, NotRightError, Ticket
from relocate.demo.traffic.pace import Stop
from relocate.demo.traffic.plan import Protocol, TrafficPlan
from relocate.demo.traffic.record import Event, Record
from relocate.demo.traffic.run import Run
from relocate.demo.traffic.timetable import Timetable

MS = 1_000_000
ANSWER = Answer("a-1", "mec-a", "mec-a")
TABLE = Timetable("ue-1.websocket.edge-1", "ue-1", Protocol.WEBSOCKET, "edge-1", 0, 100 * MS)


class Desk:
    """A run whose clock is moved by hand, and everything that it recorded."""

    def __init__(self, **settings: float) -> None:
        gateway = {"name": "edge-1", "port": 1, "server_name": "x.test"}
        self.now_ns = 0
        self.records: list[Record] = []
        self.events: list[Event] = []
        self.ledger = Ledger(self.clock, self.records.append)
        plan = TrafficPlan.model_validate({"gateways": [gateway], "records_file": Path("records.jsonl"), **settings})
        self.run = Run(plan, self.clock, Stop(self.clock), self.ledger, {"ue-1": "cell-a"}, self.events.append)

    def clock(self) -> int:
        """Now."""
        return self.now_ns

    def outcomes(self) -> dict[int, str]:
        """By slot."""
        return {record.slot: str(record.outcome) for record in self.records}


class FakeRequester(Requester):
    """Answers as it is told."""

    def __init__(self, behave: Callable[[Ticket], Answer]) -> None:
        self._behave = behave
        self.held = asyncio.Event()
        self.held.set()
        self.asked: list[str] = []
        self.cells: list[str] = []
        self.closed = False

    async def ask(self, ticket: Ticket, cell: str) -> Answer:
        """As it is told, once it is not held any more."""
        self.asked.append(ticket.request_id)
        self.cells.append(cell)
        await self.held.wait()
        return self._behave(ticket)

    async def close(self) -> None:
        """Remember."""
        self.closed = True


class FakeConversation(Conversation):
    """A stream whose other side is the test."""

    def __init__(self, refusal: NotRightError | None = None) -> None:
        self._refusal = refusal
        self._answers: asyncio.Queue[tuple[str, Answer] | NotRightError | None] = asyncio.Queue()
        self.sent: list[str] = []
        self.cells: list[str] = []
        self.life: Life | None = None
        self.closed = False

    def answer(self, request_id: str) -> None:
        """The other side answers."""
        self._answers.put_nowait((request_id, ANSWER))

    def end(self, reason: NotRightError | None = None) -> None:
        """The other side ends the stream, properly or not."""
        self._answers.put_nowait(reason)

    async def open(self, life: Life, cell: str) -> None:
        """Refuse where told to."""
        self.life = life
        self.cells.append(cell)
        if self._refusal:
            raise self._refusal

    async def put(self, ticket: Ticket, cell: str) -> None:
        """Remember."""
        self.sent.append(ticket.request_id)
        self.cells.append(cell)

    async def answers(self) -> AsyncIterator[tuple[str, Answer]]:
        """What the test says."""
        while (said := await self._answers.get()) is not None:
            if isinstance(said, NotRightError):
                raise said
            yield said

    async def close(self) -> None:
        """Remember."""
        self.closed = True


async def settle() -> None:
    """Let every task do what it can do now."""
    for _ in range(20):
        await asyncio.sleep(0)
