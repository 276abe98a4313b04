# SPDX-License-Identifier: Apache-2.0
"""What was watched and what was not: a hole proves nothing, neither good nor bad."""

import itertools
import math
from collections.abc import Collection, Iterable, Mapping

from relocate.model.values import Payload
from relocate.prober.records import Second, merged


class Interval(Payload):
    """Whole seconds since 1970; `until` is not part of it."""

    since: int
    until: int


class Hole(Interval):
    """Seconds that one vantage did not watch, and why not."""

    vantage: str
    reason: str


class Coverage(Payload):
    """The watched intervals and the holes of one stretch of time."""

    watched: tuple[Interval, ...]
    """Seconds that *every* vantage watched."""
    holes: tuple[Hole, ...]
    longest_send_gap_ms: float
    """Longest time between two requests of one vantage in what was watched: a shorter outage may have been missed."""

    @property
    def conclusive(self) -> bool:
        """Whether something was watched, and nothing was not."""
        return bool(self.watched) and not self.holes


def coverage(
    seconds: Iterable[Second], *, vantages: Collection[str], period: float, since: float, until: float
) -> Coverage:
    """Judge the whole seconds between two moments.

    Args:
        seconds: records, in any order; several of one vantage and second are added.
        vantages: gateway instances that had to watch. With none, nothing was watched.
        period: seconds between two requests of one vantage.
        since: seconds since 1970; the second that it cuts is left out ...
        until: ... and so is the one that this cuts.
    """
    stretch = range(math.ceil(since), max(math.ceil(since), math.floor(until)))
    records = {(record.vantage, record.second): record for record in merged(seconds)}
    gaps = {
        (vantage, second): reason
        for vantage in sorted(set(vantages))
        for second in stretch
        if (reason := why_hole(records.get((vantage, second)), period)) is not None
    }
    blind = {second for _, second in gaps}
    watched = [second for second in stretch if second not in blind] if vantages else []
    sending = [records[vantage, second].max_send_gap_ms for vantage in vantages for second in watched]
    return Coverage(
        watched=tuple(Interval(since=first, until=last + 1) for first, last in _runs(watched)),
        holes=tuple(_holes(gaps)),
        longest_send_gap_ms=max(sending, default=0.0),
    )


def why_hole(record: Second | None, period: float) -> str | None:
    """Why one vantage did not watch one second, or None if it did."""
    if record is None:
        return "no record"
    # A little is added because 1 / 0.05 may come out below 20. Above one second between requests, `due` decides.
    demanded = max(record.due, math.floor(1 / period + 1e-6))
    if record.sent < demanded:
        return f"{record.sent} of {demanded} requests were sent"
    if record.unfinished:
        return f"{record.unfinished} requests were not waited for"
    return None


def _holes(gaps: Mapping[tuple[str, int], str]) -> Iterable[Hole]:
    for (vantage, reason), places in itertools.groupby(gaps, key=lambda place: (place[0], gaps[place])):
        for first, last in _runs([second for _, second in places]):
            yield Hole(vantage=vantage, since=first, until=last + 1, reason=reason)


def _runs(numbers: Iterable[int]) -> Iterable[tuple[int, int]]:
    """First and last of each run of rising numbers without a gap."""
    for _, run in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        yield members[0], members[-1]
