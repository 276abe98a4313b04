# SPDX-License-Identifier: Apache-2.0
"""What a client of single requests, and one of long-lived streams, can do."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass

from relocate.demo.traffic.ledger import Answer, Ticket


@dataclass(frozen=True, slots=True)
class Life:
    """What one long-lived stream is for."""

    first: Ticket
    messages: int
    """It carries this many slots, from the first one on."""
    period_ms: float


class Requester(ABC):
    """Sends single requests over one UE's connections to one gateway instance."""

    @abstractmethod
    async def ask(self, ticket: Ticket, cell: str) -> Answer:
        """Send one request, once.

        Raises:
            NotRightError: no answer, or a wrong one.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close the connections."""


class Conversation(ABC):
    """One long-lived stream: opened once, closed once."""

    @abstractmethod
    async def open(self, life: Life, cell: str) -> None:
        """Connect.

        Raises:
            NotRightError: it cannot be opened.
        """

    @abstractmethod
    async def put(self, ticket: Ticket, cell: str) -> None:
        """Send this slot's message, where it is the UE's turn to send.

        Raises:
            NotRightError: the stream is broken.
        """

    @abstractmethod
    def answers(self) -> AsyncIterator[tuple[str, Answer]]:
        """Request ids with their answers, until the other side ends the stream.

        Raises:
            NotRightError: the stream is broken, or an answer makes no sense.
        """

    @abstractmethod
    async def close(self) -> None:
        """End the stream properly."""
