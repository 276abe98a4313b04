# SPDX-License-Identifier: Apache-2.0
"""The accounts: what is due is entered once, and concluded once, as exactly one outcome."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from relocate.demo.traffic.record import Outcome, Record
from relocate.demo.traffic.timetable import Clock, Timetable

MILLISECOND_NS = 1_000_000
ERROR_LIMIT = 200
"""Characters of an error text that are kept."""


class NotRightError(Exception):
    """A request that did not get its right answer: why, and whether it failed or was answered wrongly."""

    def __init__(self, outcome: Outcome, text: str) -> None:
        """Args: outcome: failed or wrong; text: why, in a few words."""
        super().__init__(text)
        self.outcome = outcome


def failed(text: str) -> NotRightError:
    """No answer came."""
    return NotRightError(Outcome.FAILED, text)


def wrong(text: str) -> NotRightError:
    """An answer came that is not this request's."""
    return NotRightError(Outcome.WRONG, text)


@dataclass(frozen=True, slots=True)
class Answer:
    """Who gave a right answer."""

    instance: str
    cluster: str
    side: str | None = None
    """As the gateway says, where it does."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request that is due."""

    timetable: int
    slot: int
    due_ns: int
    request_id: str


class Ledger:
    """Every ticket is concluded exactly once; at the close the rest is missing. So due = sum of all outcomes."""

    def __init__(self, clock: Clock, sink: Callable[[Record], None]) -> None:
        """Args: clock: now, in nanoseconds since 1970; sink: is given each request's end."""
        self._clock = clock
        self._sink = sink
        self._open: dict[tuple[int, int], Ticket] = {}
        self.outcomes: Counter[Outcome] = Counter()
        self.due = 0

    @property
    def outstanding(self) -> int:
        """How many are due and not concluded."""
        return len(self._open)

    def enter(self, index: int, table: Timetable, slot: int) -> Ticket:
        """A request is due now."""
        ticket = Ticket(index, slot, table.due_ns(slot), f"{table.name}.{slot}")
        self._open[index, slot] = ticket
        self.due += 1
        return ticket

    def right(self, ticket: Ticket, answer: Answer) -> None:
        """It was answered."""
        self._conclude(ticket, Outcome.RIGHT, answer=answer)

    def not_right(self, ticket: Ticket, reason: NotRightError) -> None:
        """It failed, or was answered wrongly."""
        self._conclude(ticket, reason.outcome, error=str(reason))

    def missing(self, ticket: Ticket, reason: str) -> None:
        """It could not be sent, or never ended."""
        self._conclude(ticket, Outcome.MISSING, error=reason)

    def close(self) -> None:
        """What is still open never ended."""
        for ticket in tuple(self._open.values()):
            self.missing(ticket, "not concluded when the traffic ended")

    def _conclude(
        self, ticket: Ticket, outcome: Outcome, *, answer: Answer | None = None, error: str | None = None
    ) -> None:
        if self._open.pop((ticket.timetable, ticket.slot), None) is None:
            return  # Concluded before: an answer that came after its time-out does not undo the failure.
        self.outcomes[outcome] += 1
        latency_ns = max(0, self._clock() - ticket.due_ns)
        self._sink(
            Record(
                timetable=ticket.timetable,
                slot=ticket.slot,
                due_ns=ticket.due_ns,
                latency_ms=None if outcome is Outcome.MISSING else round(latency_ns / MILLISECOND_NS, 3),
                outcome=outcome,
                instance=answer.instance if answer else None,
                cluster=answer.cluster if answer else None,
                side=answer.side if answer else None,
                error=error[:ERROR_LIMIT] if error else None,
            )
        )
