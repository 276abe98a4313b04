# SPDX-License-Identifier: Apache-2.0
"""One look at the events table for everybody who listens.

While somebody listens, one task asks the database every 200 ms for events that are newer than the last it has seen,
and hands them to all listeners; while nobody does, it does not run. So the load on the database does not grow with
the number of open pages, and an event is at most about 200 ms late.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import structlog

from relocate.store.database import Database
from relocate.store.figures import Figures
from relocate.store.relocations import Event

PERIOD = 0.2
"""Seconds between two looks."""

GAP_PATIENCE = timedelta(seconds=1)
"""How long a missing number is waited for: PostgreSQL hands out ids before transactions commit, so event 6 may be seen
before event 5. Numbers of transactions that were rolled back never come."""

BACKLOG = 10_000
"""Events that one listener may be behind before it is sent away to come again by its `Last-Event-ID`."""

_log = structlog.get_logger(__name__)


class TooSlow(Exception):
    """This listener reads slower than events come."""


class Listener:
    """One reader's queue; None in it means that the service stops."""

    def __init__(self, position: int) -> None:
        """Args: position: every event after this one will be in the queue."""
        self.position = position
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(BACKLOG)
        self._lost = False

    def put(self, event: Event | None) -> None:
        """Add an event; a full queue marks the listener as too slow."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._lost = True

    async def next(self, timeout: float) -> Event | None:
        """The next event.

        Raises:
            TimeoutError: none came within `timeout` seconds.
            TooSlow: events were lost for this listener.
        """
        if self._lost:
            raise TooSlow
        return await asyncio.wait_for(self._queue.get(), timeout)


class EventTail:
    """The end of the events table, shared by all listeners of this process."""

    def __init__(self, database: Database) -> None:
        """Args: database: where events are."""
        self._relocations = database.relocations
        self._figures = Figures(database.engine)
        self._listeners: set[Listener] = set()
        self._position = 0
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self.stopped = False
        """Whether the service ends; streams that do not listen here look at it."""

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[Listener]:
        """A listener for every event from now on; those of the last second may come too."""
        async with self._starting:
            if self._task is None:
                self._position = await asyncio.to_thread(self._figures.last_event, datetime.now(UTC) - GAP_PATIENCE)
                self._task = asyncio.create_task(self._run())
            listener = Listener(self._position)
            self._listeners.add(listener)
        if self.stopped:
            listener.put(None)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                await self._rest()

    def newest(self) -> int:
        """Id of the newest event there is."""
        return self._figures.last_event(datetime.now(UTC) + GAP_PATIENCE)

    def stop(self) -> None:
        """Tell every listener that the service ends, so that it can."""
        self.stopped = True
        for listener in self._listeners:
            listener.put(None)

    async def _rest(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                found = await asyncio.to_thread(self._relocations.events, None, self._position)
            except Exception as error:  # noqa: BLE001 - whatever it is, listeners must not starve; it is tried again
                _log.warning("events cannot be read now", error=str(error))
                continue
            for event in settled(found, self._position, datetime.now(UTC)):
                self._position = event.id
                for listener in self._listeners:
                    listener.put(event)


def settled(events: Sequence[Event], position: int, now: datetime) -> Sequence[Event]:
    """The leading events before which nothing can come any more: no number is missing, or it was waited for."""
    for count, event in enumerate(events):
        if event.id != position + 1 and now - event.at < GAP_PATIENCE:
            return events[:count]
        position = event.id
    return events
