# SPDX-License-Identifier: Apache-2.0
"""The book of one vantage: requests in, one record for each second out. No I/O, no clock of its own.

All moments are seconds since 1970, counted by the monotonic clock from one reading of the wall clock, so that no
correction of the wall clock bends an interval.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from relocate.prober.histogram import Histogram, bucket
from relocate.prober.records import Answer, EpochSeen, Failure, Result, Second, SideCount

FAILURES_PER_SECOND = 20
"""Failures kept word by word for each vantage and second; an outage repeats itself."""

NAMES_PER_SECOND = 8
"""Different sides and epochs kept apart in one second; they come from outside, so they are bounded."""

OTHERS = "(others)"
"""Stands for the names beyond that."""


@dataclass(slots=True)
class _Side:
    count: int = 0
    errors: int = 0
    histogram: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class _Page:
    """One second while it is being written."""

    due: int = 0
    sent: int = 0
    results: Counter[Result] = field(default_factory=Counter)
    fresh: int = 0
    unreached: int = 0
    sides: dict[str, _Side] = field(default_factory=dict)
    epochs: dict[str, EpochSeen] = field(default_factory=dict)
    max_gap: float = 0.0
    max_send_gap: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    left_out: int = 0

    @property
    def outstanding(self) -> int:
        return self.sent - self.results.total()


class Book:
    """What one vantage sends and gets, written down by the second."""

    def __init__(self, vantage: str, begins: float) -> None:
        """Args: vantage: the gateway instance; begins: when the first request is due."""
        self._vantage = vantage
        self._pages: dict[int, _Page] = {}
        self._next = int(begins)
        self._last_right = begins
        self._last_sent: float | None = None

    def due(self, at: float) -> None:
        """The schedule demands a request at `at`."""
        self._page(at).due += 1

    def sent(self, at: float, really: float) -> None:
        """The request due at `at` was sent at `really`."""
        page = self._page(at)
        page.sent += 1
        if self._last_sent is not None:
            page.max_send_gap = max(page.max_send_gap, really - self._last_sent)
        self._last_sent = really

    def answered(self, at: float, now: float, answer: Answer) -> None:
        """The request due at `at` ended at `now`."""
        page = self._page(at)
        page.results[answer.result] += 1
        page.fresh += answer.fresh
        page.unreached += not answer.reached
        side = page.sides.setdefault(_bounded(answer.side, page.sides), _Side())
        side.count += 1
        _see_epoch(page, answer.epoch, at)
        if answer.result is Result.RIGHT:
            side.histogram[bucket((now - at) * 1000)] += 1
            self._right(now)
        else:
            side.errors += 1
            self._fail(page, at, now, answer)

    def completed(self, now: float, *, next_due: float) -> tuple[list[Second], list[Failure]]:
        """Take the seconds that are over, and have no request open and none yet to send."""
        self._turn_to(now)
        over = int(min(now, next_due))
        return self._taken(
            [second for second, page in self._pages.items() if second < over and not page.outstanding], now
        )

    def rest(self, now: float) -> tuple[list[Second], list[Failure]]:
        """Take everything: what is still open counts as unfinished."""
        return self._taken(list(self._pages), now)

    def _page(self, at: float) -> _Page:
        self._turn_to(at)
        return self._pages[int(at)]

    def _turn_to(self, at: float) -> None:
        # Every second has a page, also one in which nothing is due: a second without a record is a hole.
        while self._next <= int(at):
            self._pages[self._next] = _Page()
            self._next += 1

    def _right(self, now: float) -> None:
        self._turn_to(now)
        for second in range(int(self._last_right), int(now) + 1):
            if page := self._pages.get(second):
                page.max_gap = max(page.max_gap, min(second + 1, now) - self._last_right)
        self._last_right = max(now, self._last_right)

    def _fail(self, page: _Page, at: float, now: float, answer: Answer) -> None:
        if len(page.failures) >= FAILURES_PER_SECOND:
            page.left_out += 1
            return
        page.failures.append(
            Failure(
                vantage=self._vantage,
                at=datetime.fromtimestamp(at, UTC),
                result=answer.result,
                words=answer.status,
                latency_ms=round((now - at) * 1000, 3),
                side=answer.side,
                epoch=answer.epoch,
                fresh=answer.fresh,
            )
        )

    def _taken(self, numbers: list[int], now: float) -> tuple[list[Second], list[Failure]]:
        pages = [(number, self._pages.pop(number)) for number in sorted(numbers)]
        failures = [failure for _, page in pages for failure in page.failures]
        return [self._record(number, page, now) for number, page in pages], failures

    def _record(self, number: int, page: _Page, now: float) -> Second:
        still_open = min(number + 1.0, now) - self._last_right
        return Second(
            vantage=self._vantage,
            second=number,
            due=page.due,
            sent=page.sent,
            right=page.results[Result.RIGHT],
            wrong=page.results[Result.WRONG],
            failed=page.results[Result.FAILED],
            unfinished=page.outstanding,
            unreached=page.unreached,
            fresh=page.fresh,
            by_side={name: _side(side) for name, side in page.sides.items()},
            epochs=page.epochs,
            max_gap_ms=round(max(page.max_gap, still_open) * 1000, 3),
            max_send_gap_ms=round(page.max_send_gap * 1000, 3),
            left_out=page.left_out,
        )


def _side(side: _Side) -> SideCount:
    return SideCount(count=side.count, errors=side.errors, histogram=Histogram(counts=dict(side.histogram)))


def _see_epoch(page: _Page, epoch: str, at: float) -> None:
    if not epoch:
        return
    name = _bounded(epoch, page.epochs)
    seen = page.epochs.get(name, EpochSeen(count=0, first_at=at, last_at=at))
    page.epochs[name] = EpochSeen(count=seen.count + 1, first_at=min(seen.first_at, at), last_at=max(seen.last_at, at))


def _bounded(name: str, known: dict[str, _Side] | dict[str, EpochSeen]) -> str:
    return name if name in known or len(known) < NAMES_PER_SECOND else OTHERS
