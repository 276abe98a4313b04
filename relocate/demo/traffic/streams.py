# SPDX-License-Identifier: Apache-2.0
"""Long-lived streams on a timetable: each slot is a message that is owed, on whichever stream is open then.

A stream lives for a number of slots; the next slot opens the next stream. One that ends early, or owes a message for
longer than the time-out, fails every message it owes; the next slot opens another. So messages that are due while no
stream can be opened fail one by one, and nothing is sent twice.
"""

import asyncio
from collections.abc import Callable

from relocate.demo.traffic.clients.contract import Conversation, Life
from relocate.demo.traffic.ledger import MILLISECOND_NS, Answer, NotRightError, Ticket, failed, wrong
from relocate.demo.traffic.pace import due_slots
from relocate.demo.traffic.record import Event
from relocate.demo.traffic.run import Run
from relocate.demo.traffic.timetable import NANOSECONDS, Timetable


class Stream:
    """One stream's life: the messages it owes, and what became of them."""

    def __init__(self, run: Run, ue: str, life: Life, conversation: Conversation) -> None:
        """Args: run: what all flows share; ue: whose; life: which slots; conversation: unopened."""
        self._run = run
        self._ue = ue
        self._life = life
        self._conversation = conversation
        self._owed: dict[str, Ticket] = {}
        self._early: dict[str, Answer] = {}
        self._to_send: asyncio.Queue[Ticket] = asyncio.Queue()
        self._taken = 0
        self._complete = False
        self._answered = False
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def takes_more(self) -> bool:
        """Whether the next slot may go on this stream."""
        return not self._end.done() and self._taken < self._life.messages

    def take(self, ticket: Ticket) -> None:
        """This slot is due, on this stream."""
        self._taken += 1
        early = self._early.pop(ticket.request_id, None)
        if early is not None:
            self._run.ledger.right(ticket, early)
        else:
            self._owed[ticket.request_id] = ticket
            self._to_send.put_nowait(ticket)
        if self._taken == self._life.messages:
            self.complete()

    def complete(self) -> None:
        """No more slots will come: the stream ends when it owes nothing."""
        self._complete = True
        self._end_if_paid()

    def expire(self) -> None:
        """End the stream if it owes a message for longer than the time-out."""
        oldest = next(iter(self._owed.values()), None)
        if oldest is not None:
            late_ns = self._run.clock() - oldest.due_ns
            if late_ns > self._run.plan.timeout_seconds * NANOSECONDS:
                self._break(failed(f"no answer within {self._run.plan.timeout_seconds:g} s"))

    async def go(self) -> None:
        """Open, exchange, close."""
        exchange = asyncio.create_task(self._exchange())
        try:
            await self._end
        finally:
            exchange.cancel()
            await asyncio.gather(exchange, return_exceptions=True)
            await self._conversation.close()

    async def _exchange(self) -> None:
        sender: asyncio.Task[None] | None = None
        try:
            await self._conversation.open(self._life, self._run.cells[self._ue])
            sender = asyncio.create_task(self._send())
            async for request_id, answer in self._conversation.answers():
                self._pay(request_id, answer)
            self._ended_by_server()
        except NotRightError as reason:
            self._break(reason)
        except Exception as error:  # noqa: BLE001 - whatever else a client library raises, the stream is broken
            self._break(failed(f"{type(error).__name__}: {error}"))
        finally:
            if sender is not None:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)

    async def _send(self) -> None:
        try:
            while True:
                ticket = await self._to_send.get()
                await self._conversation.put(ticket, self._run.cells[self._ue])
        except NotRightError as reason:
            self._break(reason)

    def _pay(self, request_id: str, answer: Answer) -> None:
        self._answered = True
        ticket = self._owed.pop(request_id, None)
        if ticket is not None:
            self._run.ledger.right(ticket, answer)
        elif self._is_ahead(request_id):
            self._early[request_id] = answer
        else:
            self._break(wrong(f"the answer is for request {request_id!r}"))
        self._end_if_paid()

    def _is_ahead(self, request_id: str) -> bool:
        """Whether it is the next message that no slot was taken for, and due by now or within a period.

        A server that paces itself may be a little faster than our clock. And a process that had to wait for a processor
        reads what came meanwhile before it takes the slots that came due meanwhile, however many they are.
        """
        first, number = self._life.first, self._taken + len(self._early)
        stem = first.request_id.removesuffix(str(first.slot))
        soonest_ns = first.due_ns + (number - 1) * self._life.period_ms * MILLISECOND_NS
        is_next = request_id == f"{stem}{first.slot + number}" and number < self._life.messages
        return is_next and self._run.clock() >= soonest_ns

    def _end_if_paid(self) -> None:
        if self._complete and not self._owed and not self._end.done():
            self._end.set_result(None)

    def _ended_by_server(self) -> None:
        if self._taken + len(self._early) < self._life.messages or self._owed:
            reason = failed("the other side closed the stream early")
            self._break(reason, event="cut" if self._owed else "closed")

    def _break(self, reason: NotRightError, *, event: str = "cut") -> None:
        if self._end.done():
            return
        if self._answered:  # Else it never came about, and there was nothing to cut.
            self._run.note(Event(event, self._run.clock(), self._life.first.timetable, str(reason)))
        for number, ticket in enumerate(self._owed.values()):
            # One wrong answer is one wrong request; the rest of what the stream owed was never answered.
            self._run.ledger.not_right(ticket, reason if number == 0 else failed(str(reason)))
        self._owed.clear()
        self._end.set_result(None)


class StreamFlow:
    """One timetable of messages."""

    def __init__(
        self, run: Run, index: int, table: Timetable, life_seconds: float, make: Callable[[], Conversation]
    ) -> None:
        """Args: run: what all flows share; index, table: when; life_seconds: of a stream; make: an unopened one."""
        self._run = run
        self._index = index
        self._table = table
        self._messages = max(1, round(life_seconds * NANOSECONDS / table.period_ns))
        self._make = make
        self._streams: dict[asyncio.Task[None], Stream] = {}

    async def go(self) -> None:
        """Exchange until the stop, then wait for what is owed, for the grace time at most."""
        stream: Stream | None = None
        async for slot in due_slots(self._table, self._run.clock, self._run.stop):
            ticket = self._run.ledger.enter(self._index, self._table, slot)
            self._expire()
            if stream is None or not stream.takes_more:
                stream = self._open(ticket)
            stream.take(ticket)
        if stream is not None:
            stream.complete()
        await self._finish()

    def _open(self, first: Ticket) -> Stream:
        life = Life(first, self._messages, self._table.period_ns / MILLISECOND_NS)
        stream = Stream(self._run, self._table.ue, life, self._make())
        task = asyncio.create_task(stream.go())
        self._streams[task] = stream
        task.add_done_callback(self._streams.pop)
        return stream

    def _expire(self) -> None:
        for stream in self._streams.values():
            stream.expire()

    async def _finish(self) -> None:
        deadline_ns = self._run.clock() + round(self._run.plan.grace_seconds * NANOSECONDS)
        while self._streams and self._run.clock() < deadline_ns:
            await asyncio.wait(self._streams, timeout=0.1)
            self._expire()
        for task in tuple(self._streams):
            task.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)
