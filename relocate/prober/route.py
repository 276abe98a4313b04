# SPDX-License-Identifier: Apache-2.0
"""Watches a route through every gateway instance on a fixed schedule, and hands over what it saw once a second."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from readiness.clock import Clock, SystemClock
from relocate.errors import EvidenceNotStored
from relocate.model.application import Watch
from relocate.prober.book import Book
from relocate.prober.grpc import GrpcSender
from relocate.prober.http import HttpSender
from relocate.prober.records import Answer, Failure, Result, Second
from steering.model import Port, ProbePoint, Protocol as Spoken

FRESH_EVERY = 2
"""Each second request opens a connection of its own; the others take one that is kept."""

MOST_OUTSTANDING = 512
"""Requests of one vantage that may be unanswered; beyond that a request is not sent, which is a hole."""

SINK_SECONDS = 10.0
"""Longest time for handing over one second."""

BACKLOG_SECONDS = 300.0
"""How long what could not be handed over is kept and tried again before the watch gives up: as long as a step may take
altogether (`relocate.activities.calls`), so that a relocation which outlives an outage has no hole in it."""

Sink = Callable[[Sequence[Second], Sequence[Failure]], Awaitable[None]]


class Sender(Protocol):
    """One vantage's way to send the safe request."""

    async def prepare(self) -> None:
        """Load and connect what the first request should not have to pay for. Never raises, bounded by a second."""

    async def send(self, *, fresh: bool) -> Answer:
        """Send once, within the watch's time-out; whatever the route does is an answer."""

    async def close(self) -> None:
        """Let go of connections."""


SenderFactory = Callable[[Watch, Port, ProbePoint, Collection[str] | None], Sender]


def open_sender(watch: Watch, port: Port, point: ProbePoint, sides: Collection[str] | None) -> Sender:
    """The sender for what the port speaks."""
    return (GrpcSender if port.protocol is Spoken.GRPC else HttpSender)(watch, point, sides)


class Vantage:
    """One gateway instance, watched. Open loop: request k is sent at start + k * period, answered or not before."""

    def __init__(self, watch: Watch, name: str, sender: Sender, clock: Clock, *, start: float, wall: float) -> None:
        """Args: start: monotonic time of the first request; wall: seconds since 1970 at monotonic time 0."""
        self._period = watch.period_seconds
        # A request this late says nothing about its moment any more.
        self._latest = max(4 * self._period, 0.25)
        self._most = min(MOST_OUTSTANDING, math.ceil(watch.timeout_seconds / self._period) + 16)
        self._sender = sender
        self._clock = clock
        self._start = start
        self._wall = wall
        self._next_due = wall + start
        self._open: set[asyncio.Task[None]] = set()
        self._book = Book(name, wall + start)

    @property
    def now(self) -> float:
        """Seconds since 1970, by this vantage's count."""
        return self._wall + self._clock.monotonic()

    async def send_on_schedule(self) -> None:
        """Send for ever."""
        number = 0
        while True:
            at = self._start + number * self._period
            await self._clock.sleep(at - self._clock.monotonic())
            self._send(self._next_due, fresh=number % FRESH_EVERY == 0)
            number += 1
            self._next_due = self._wall + self._start + number * self._period

    def _send(self, at: float, *, fresh: bool) -> None:
        self._book.due(at)
        if self.now - at > self._latest or len(self._open) >= self._most:
            return
        self._book.sent(at, self.now)
        task = asyncio.create_task(self._exchange(at, fresh=fresh))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _exchange(self, at: float, *, fresh: bool) -> None:
        try:
            answer = await self._sender.send(fresh=fresh)
        except Exception as error:  # noqa: BLE001  whatever breaks in us, the request was not answered
            answer = Answer(Result.FAILED, f"prober: {type(error).__name__}: {error}"[:256], fresh=fresh)
        self._book.answered(at, self.now, answer)

    def completed(self) -> tuple[list[Second], list[Failure]]:
        """Take the seconds that are over."""
        return self._book.completed(self.now, next_due=self._next_due)

    def rest(self) -> tuple[list[Second], list[Failure]]:
        """Take everything; what is still open counts as unfinished."""
        return self._book.rest(self.now)

    async def finish(self) -> None:
        """Wait for what is open; the time-out of each request bounds it."""
        if self._open:
            await asyncio.wait(self._open)

    async def close(self) -> None:
        """Leave what is open unfinished, and let go of connections."""
        for task in self._open:
            task.cancel()
        await self.finish()
        await self._sender.close()


class Delivery:
    """Hands seconds over, and keeps for a while what could not be handed over."""

    def __init__(self, vantages: Sequence[Vantage], sink: Sink, clock: Clock) -> None:
        """Args: vantages: whose books are read; sink: where the seconds go."""
        self._vantages = vantages
        self._sink = sink
        self._clock = clock
        self._seconds: list[Second] = []
        self._failures: list[Failure] = []
        self._stuck_since: float | None = None

    async def deliver_on_schedule(self) -> None:
        """Hand over once a second, for ever.

        Raises:
            EvidenceNotStored: nothing could be handed over for `BACKLOG_SECONDS`.
        """
        while True:
            await self._clock.sleep(1 - self._vantages[0].now % 1)
            self._collect(*(vantage.completed() for vantage in self._vantages))
            try:
                await self._hand_over()
            except EvidenceNotStored:
                now = self._clock.monotonic()
                self._stuck_since = now if self._stuck_since is None else self._stuck_since
                if now - self._stuck_since >= BACKLOG_SECONDS:
                    raise

    async def deliver_rest(self) -> None:
        """Hand over everything that is left, unfinished seconds too.

        Raises:
            EvidenceNotStored: it could not be handed over; those seconds are holes.
        """
        self._collect(*(vantage.rest() for vantage in self._vantages))
        await self._hand_over()

    def _collect(self, *taken: tuple[list[Second], list[Failure]]) -> None:
        for seconds, failures in taken:
            self._seconds += seconds
            self._failures += failures

    async def _hand_over(self) -> None:
        if not self._seconds:
            return
        try:
            async with asyncio.timeout(SINK_SECONDS):
                await self._sink(tuple(self._seconds), tuple(self._failures))
        except Exception as error:
            first = min(record.second for record in self._seconds)
            why = f"{type(error).__name__}: {error}"
            raise EvidenceNotStored(f"{len(self._seconds)} seconds since {first} could not be stored: {why}") from error
        self._seconds, self._failures, self._stuck_since = [], [], None


async def watch_route(
    watch: Watch,
    port: Port,
    vantages: Sequence[ProbePoint],
    sink: Sink,
    *,
    stop: asyncio.Event,
    clock: Clock | None = None,
    sides: Collection[str] | None = None,
    open_sender: SenderFactory = open_sender,
) -> None:
    """Watch until `stop` is set, then wait for open requests; when cancelled, hand over at once what there is.

    Args:
        watch: the safe request and its schedule.
        port: the route's port that the request goes to.
        vantages: gateway instances; each is watched on the full schedule.
        sink: takes the complete seconds, once a second, and everything left at the end. Seconds of which it raised
            are given to it again, so it must bear the same (vantage, second) twice.
        stop: ends the watch.
        clock: the machine's if None.
        sides: sides that may answer; None: any that the gateway names.
        open_sender: makes the sender of one vantage.

    Raises:
        ValueError: there is no vantage.
        EvidenceNotStored: seconds could not be handed over; they are holes.
    """
    if not vantages:
        raise ValueError("vantages: at least one gateway instance must be watched")
    clock = clock or SystemClock()
    senders = [open_sender(watch, port, point, sides) for point in vantages]
    await asyncio.gather(*(sender.prepare() for sender in senders))
    start = clock.monotonic()
    wall = clock.now().timestamp() - start
    share = watch.period_seconds / len(vantages)
    watched = [
        # Vantages take turns, so that the load is even.
        Vantage(
            watch,
            point.instance,
            sender,
            clock,
            start=start + number * share,
            wall=wall,
        )
        for number, (point, sender) in enumerate(zip(vantages, senders, strict=True))
    ]
    delivery = Delivery(watched, sink, clock)
    try:
        await _run(watched, delivery, stop)
        await asyncio.gather(*(vantage.finish() for vantage in watched))
    finally:
        await asyncio.gather(*(vantage.close() for vantage in watched))
        await delivery.deliver_rest()


async def _run(watched: Sequence[Vantage], delivery: Delivery, stop: asyncio.Event) -> None:
    tasks = {
        asyncio.create_task(work)
        for work in (stop.wait(), delivery.deliver_on_schedule(), *(vantage.send_on_schedule() for vantage in watched))
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
