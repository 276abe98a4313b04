# SPDX-License-Identifier: Apache-2.0
"""One writer for what all control connections have to store: whatever waits goes into one transaction.

A write costs a transaction, not a row: of the time until a hundred instances have acknowledged a document, most was
once spent on a hundred transactions.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import OperationalError

from steering.store.gateways import GatewayStore, Word

MOST_AT_ONCE = 500
"""Words in one transaction; the others wait for the next."""


@dataclass(frozen=True)
class _Entry:
    """A word, and who waits for it; a connection that ended waits no more, but its word is stored as well."""

    word: Word
    stored: asyncio.Future[bool]

    def settle(self, is_counted: bool) -> None:
        if not self.stored.done():
            self.stored.set_result(is_counted)

    def fail(self, error: Exception) -> None:
        if not self.stored.done():
            self.stored.set_exception(error)


class Recorder:
    """Stores words in the order in which they come; each connection learns what became of its own."""

    def __init__(self, store: GatewayStore) -> None:
        """Args: store: where to."""
        self._store = store
        self._waiting: list[_Entry] = []
        self._news = asyncio.Event()

    async def record(self, word: Word) -> bool:
        """Store a word; returns when it is stored.

        Returns:
            False if its instance has a newer control connection, whose word counts instead.

        Raises:
            SQLAlchemyError: it could not be stored now.
        """
        entry = _Entry(word, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._news.set()
        return await entry.stored

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                entries, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._write(entries)

    async def _write(self, entries: Sequence[_Entry]) -> None:
        """Store all; where it is one word that cannot be stored, the others are nevertheless."""
        try:
            counts = await asyncio.to_thread(self._store.record, [one.word for one in entries])
        except Exception as error:  # noqa: BLE001, it goes to those who wait; the writer serves the others
            if len(entries) > 1 and not isinstance(error, OperationalError):
                half = len(entries) // 2
                await self._write(entries[:half])
                await self._write(entries[half:])
                return
            for entry in entries:
                entry.fail(error)
        else:
            for entry, is_counted in zip(entries, counts, strict=True):
                entry.settle(is_counted)
