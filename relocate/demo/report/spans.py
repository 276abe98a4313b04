# SPDX-License-Identifier: Apache-2.0
"""Before, during and after: which requests belong to which part of which relocation, by when they were due."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from relocate.demo.report.accounts import Window, latency
from relocate.demo.report.model import LatencyByTime, RelocationReport
from relocate.demo.traffic.record import Record

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds(moment: datetime) -> int:
    """Since 1970; exact to the microsecond that a datetime holds."""
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


@dataclass(frozen=True, slots=True)
class Spans:
    """One relocation's three windows, inside the drive in which it started."""

    before: Window
    """From the drive's start, or the end of the relocation before."""
    during: Window
    after: Window
    """To the drive's end, or the start of the next relocation."""


def spans(moved: RelocationReport, others: Sequence[RelocationReport], drives: Iterable[Window]) -> Spans | None:
    """The windows of one relocation; None when it started in none of the drives."""
    start = nanoseconds(moved.started_at)
    drive = next((window for window in drives if window[0] <= start < window[1]), None)
    if drive is None:
        return None
    end = min(_end(moved) or drive[1], drive[1])
    ends = [_end(other) for other in others if other.id != moved.id]
    starts = [nanoseconds(other.started_at) for other in others if other.id != moved.id]
    since = max([drive[0], *(moment for moment in ends if moment is not None and moment <= start)])
    until = min([drive[1], *(moment for moment in starts if moment >= end)])
    return Spans((since, start), (start, end), (end, until))


def latency_by_time(found: Sequence[Spans], records: Sequence[Record]) -> LatencyByTime:
    """Latencies over all the windows given; a request between two relocations is after the one and before the other."""
    return LatencyByTime(
        before=latency(_due(records, [each.before for each in found])),
        during=latency(_due(records, [each.during for each in found])),
        after=latency(_due(records, [each.after for each in found])),
    )


def _end(moved: RelocationReport) -> int | None:
    return nanoseconds(moved.finished_at) if moved.finished_at else None


def _due(records: Iterable[Record], windows: Sequence[Window]) -> Iterable[Record]:
    return (record for record in records if any(start <= record.due_ns < end for start, end in windows))
