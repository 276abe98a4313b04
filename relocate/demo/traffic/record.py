# SPDX-License-Identifier: Apache-2.0
"""One request's end, and the file that holds all of them.

The file is JSON lines: a heading (format, columns, timetables), then for each request an array in the order of
`COLUMNS`, and for each event an object with `event` and `at_ns`. An `end` event closes it; a file without one was cut
off by a kill, and the timetables in the heading still tell what was due.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.timetable import Timetable

FORMAT = "relocate-traffic/1"
COLUMNS = ("timetable", "slot", "due_ns", "latency_ms", "outcome", "instance", "cluster", "side", "error")


class Outcome(StrEnum):
    """What became of a request that was due: exactly one of these."""

    RIGHT = "right"
    """The expected status, this request's own id, from an instance of the application."""
    WRONG = "wrong"
    """An answer that is not the answer to this request: another id, another body, a status below 500 but not 200."""
    FAILED = "failed"
    """No answer: transport error, time-out, status 5xx, gRPC error, a stream that ended early."""
    MISSING = "missing"
    """Due, but never sent or never concluded."""


@dataclass(frozen=True, slots=True)
class Record:
    """One request's end."""

    timetable: int
    """Index in the heading's timetables."""
    slot: int
    due_ns: int
    latency_ms: float | None
    """From due to concluded; None when missing."""
    outcome: Outcome
    instance: str | None = None
    """Who answered, as the application says."""
    cluster: str | None = None
    side: str | None = None
    """Which cluster answered, as the gateway says."""
    error: str | None = None

    @property
    def concluded_ns(self) -> int | None:
        """When it was concluded, or None when it never was."""
        return None if self.latency_ms is None else self.due_ns + round(self.latency_ms * 1_000_000)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened beside the requests.

    `cut`: a stream broke, or ended while it owed a message; `closed`: the other side closed a stream properly before its
    time, and owed nothing; `cell`: a UE moved; `end`: nothing was due from then on.
    """

    event: str
    at_ns: int
    timetable: int | None = None
    text: str = ""


class RecordFile:
    """Appends records and events; what is added reaches the file at the next `flush`."""

    def __init__(self, path: Path, timetables: Sequence[Timetable]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("w", encoding="utf-8")
        heading = {"format": FORMAT, "columns": COLUMNS, "timetables": [asdict(table) for table in timetables]}
        self._lines = [json.dumps(heading)]
        self.flush()

    def add(self, record: Record) -> None:
        """Append one request."""
        self._lines.append(json.dumps([getattr(record, column) for column in COLUMNS], separators=(",", ":")))

    def add_event(self, event: Event) -> None:
        """Append one event."""
        self._lines.append(json.dumps(asdict(event), separators=(",", ":")))

    def flush(self) -> None:
        """Write what was added."""
        if self._lines:
            self._file.write("\n".join(self._lines) + "\n")
            self._file.flush()
            self._lines.clear()

    def close(self) -> None:
        """Write what was added, and close."""
        self.flush()
        self._file.close()


@dataclass(frozen=True, slots=True)
class Recording:
    """A record file, read back."""

    timetables: tuple[Timetable, ...]
    records: tuple[Record, ...]
    events: tuple[Event, ...] = ()


def read_recording(path: Path) -> Recording:
    """Read a record file, also one that a kill cut off in its last line.

    Raises:
        ValueError: the file is not such a recording; the text names the line.
    """
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    if not lines:
        raise ValueError(f"{path.name}: line 1: must be the heading of a {FORMAT} file")
    timetables = _timetables(path, lines[0])
    records: list[Record] = []
    events: list[Event] = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            row = json.loads(line)
            _sort_in(row, records, events)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path.name}: line {number}: {error}") from error
    return Recording(timetables, tuple(records), tuple(events))


def _timetables(path: Path, line: str) -> tuple[Timetable, ...]:
    try:
        heading = json.loads(line)
        known = heading["format"] == FORMAT and tuple(heading["columns"]) == COLUMNS
        found = heading["timetables"] if known else None
    except (ValueError, TypeError, KeyError):
        found = None
    if found is None:
        raise ValueError(f"{path.name}: line 1: must be the heading of a {FORMAT} file")
    try:
        return tuple(Timetable(**{**table, "protocol": Protocol(table["protocol"])}) for table in found)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path.name}: line 1: {error}") from error


def _sort_in(row: Any, records: list[Record], events: list[Event]) -> None:
    if isinstance(row, dict):
        events.append(Event(**row))
        return
    values = dict(zip(COLUMNS, row, strict=True))
    records.append(Record(**{**values, "outcome": Outcome(values["outcome"])}))


def right_answers(records: Iterable[Record]) -> Iterable[Record]:
    """Only those that were answered right."""
    return (record for record in records if record.outcome is Outcome.RIGHT)
