# SPDX-License-Identifier: Apache-2.0
"""One writer for what many have to store at the same time: whatever waits goes into one transaction.

A write costs a transaction, not a row. Of the time until a hundred gateway instances had acknowledged a document, most was
once spent on a hundred transactions; a thousand probers that hand over their second at the same moment need one.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.exc import OperationalError

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")

MOST_AT_ONCE = 500
"""Items in one transaction; the others wait for the next."""


@dataclass(frozen=True)
class _Entry(Generic[ItemT, AnswerT]):
    """An item, and who waits for it; whoever waits no more has left it here to be stored as well."""

    item: ItemT
    stored: asyncio.Future[AnswerT]

    def settle(self, answer: AnswerT) -> None:
        if not self.stored.done():
            self.stored.set_result(answer)

    def fail(self, error: Exception) -> None:
        if not self.stored.done():
            self.stored.set_exception(error)


class Batches(Generic[ItemT, AnswerT]):
    """Stores items in the order in which they come; each caller learns what became of its own."""

    def __init__(self, write: Callable[[Sequence[ItemT]], Sequence[AnswerT]]) -> None:
        """Args: write: stores items in one transaction, in a thread, and answers for each; all are stored, or none."""
        self._write = write
        self._waiting: list[_Entry[ItemT, AnswerT]] = []
        self._writer: asyncio.Task[None] | None = None
        """While anything waits."""

    async def store(self, item: ItemT) -> AnswerT:
        """Store an item; returns when it is stored.

        Raises:
            SQLAlchemyError: it could not be stored now.
        """
        entry: _Entry[ItemT, AnswerT] = _Entry(item, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await entry.stored

    async def _write_all(self) -> None:
        while self._waiting:
            entries, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            await self._write_together(entries)

    async def _write_together(self, entries: Sequence[_Entry[ItemT, AnswerT]]) -> None:
        """Store all; where it is one item that cannot be stored, the others are nevertheless."""
        try:
            answers = await asyncio.to_thread(self._write, [one.item for one in entries])
        except Exception as error:  # noqa: BLE001, it goes to those who wait; the writer serves the others
            if len(entries) > 1 and not isinstance(error, OperationalError):
                half = len(entries) // 2
                await self._write_together(entries[:half])
                await self._write_together(entries[half:])
                return
            for entry in entries:
                entry.fail(error)
        else:
            for entry, answer in zip(entries, answers, strict=True):
                entry.settle(answer)
