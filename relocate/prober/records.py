# SPDX-License-Identifier: Apache-2.0
"""What the prober keeps: one record for each vantage and second, and failures word by word."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from relocate.model.values import Payload
from relocate.prober.histogram import Histogram, added


class Result(StrEnum):
    """How one request of the prober ended."""

    RIGHT = "right"
    WRONG = "wrong"
    """Answered, but not what the route should answer: by no or an unknown side, or refused (4xx)."""
    FAILED = "failed"
    """Not answered in time, connection broken, or 5xx."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request got."""

    result: Result
    status: str
    """The status ("200", "SERVING"), or the failure's own words, short."""
    side: str = ""
    """As the gateway named it; empty if it named none."""
    epoch: str = ""
    fresh: bool = False
    """Whether the connection was opened for this request."""
    reached: bool = True
    """False: the gateway instance took no connection, so no side was ever asked."""


class SideCount(Payload):
    """What one side answered."""

    count: int = 0
    errors: int = 0
    """Of those, wrong or failed."""
    histogram: Histogram = Histogram()
    """Latency of the right ones, from the scheduled moment of sending."""


class EpochSeen(Payload):
    """When answers carried one epoch. Times are of sending, in seconds since 1970."""

    count: int
    first_at: float
    last_at: float


class Second(Payload):
    """What one vantage saw in one second of the wall clock. Requests belong to the second of their schedule.

    `sent = right + wrong + failed + unfinished = sum of by_side[..].count + unfinished`.
    """

    vantage: str
    """Gateway instance."""
    second: int
    """Seconds since 1970."""
    due: int = 0
    """Requests that the schedule demanded; fewer `sent` is a hole in what was watched."""
    sent: int = 0
    right: int = 0
    wrong: int = 0
    failed: int = 0
    unfinished: int = 0
    """Sent, and not waited for because the prober was ended."""
    unreached: int = 0
    """Of the failed, those that the gateway instance took no connection for: no side was ever asked."""
    fresh: int = 0
    """Of those that ended, on a connection of their own."""
    by_side: Mapping[str, SideCount] = Field(default_factory=dict)
    """By side; "" counts answers that named none, and failures without an answer."""
    epochs: Mapping[str, EpochSeen] = Field(default_factory=dict)
    max_gap_ms: float = 0.0
    """Longest time without a right answer that ended in this second, or was still open at its end."""
    max_send_gap_ms: float = 0.0
    """Longest time between two requests really sent: what was shorter may have been missed."""
    left_out: int = 0
    """Failures of this second that were counted but not kept word by word."""

    @property
    def finished(self) -> int:
        """Requests that ended, one way or another."""
        return self.right + self.wrong + self.failed


class Failure(Payload):
    """One request that was not answered right, word by word."""

    vantage: str
    at: datetime
    """When it was due to be sent."""
    result: Result
    words: str
    latency_ms: float
    side: str = ""
    epoch: str = ""
    fresh: bool = False


def merged(seconds: Iterable[Second]) -> tuple[Second, ...]:
    """One record for each vantage and second, in that order: what several runs of the prober saw together."""
    grouped: dict[tuple[str, int], list[Second]] = {}
    for record in seconds:
        grouped.setdefault((record.vantage, record.second), []).append(record)
    return tuple(_one(records) for _, records in sorted(grouped.items()))


def sides_added(counts: Iterable[Mapping[str, SideCount]]) -> dict[str, SideCount]:
    """Counts by side, added."""
    grouped: dict[str, list[SideCount]] = {}
    for by_side in counts:
        for side, count in by_side.items():
            grouped.setdefault(side, []).append(count)
    return {
        side: SideCount(
            count=sum(each.count for each in found),
            errors=sum(each.errors for each in found),
            histogram=added(each.histogram for each in found),
        )
        for side, found in grouped.items()
    }


def epochs_added(seen: Iterable[Mapping[str, EpochSeen]]) -> dict[str, EpochSeen]:
    """Epochs with counts added, and the first and last moment of all."""
    together: dict[str, EpochSeen] = {}
    for epochs in seen:
        for epoch, one in epochs.items():
            other = together.get(epoch, one.model_copy(update={"count": 0}))
            together[epoch] = EpochSeen(
                count=other.count + one.count,
                first_at=min(other.first_at, one.first_at),
                last_at=max(other.last_at, one.last_at),
            )
    return together


def _one(records: list[Second]) -> Second:
    if len(records) == 1:
        return records[0]
    summed = ("due", "sent", "right", "wrong", "failed", "unfinished", "unreached", "fresh", "left_out")
    return Second(
        vantage=records[0].vantage,
        second=records[0].second,
        by_side=sides_added(record.by_side for record in records),
        epochs=epochs_added(record.epochs for record in records),
        max_gap_ms=max(record.max_gap_ms for record in records),
        max_send_gap_ms=max(record.max_send_gap_ms for record in records),
        **{name: sum(getattr(record, name) for record in records) for name in summed},
    )
