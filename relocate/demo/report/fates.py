# SPDX-License-Identifier: Apache-2.0
"""What became of single requests."""

from collections.abc import Iterable, Sequence

from relocate.demo.report.model import Fate
from relocate.demo.traffic.record import Record
from relocate.demo.traffic.timetable import Timetable


def in_flight(tables: Sequence[Timetable], records: Iterable[Record], at_ns: int) -> tuple[Fate, ...]:
    """The requests that were open at a moment: due by then, and not concluded before."""
    return tuple(_fate(tables[record.timetable], record) for record in records if _is_open(record, at_ns))


def _is_open(record: Record, at_ns: int) -> bool:
    return record.due_ns <= at_ns and (record.concluded_ns is None or record.concluded_ns > at_ns)


def _fate(table: Timetable, record: Record) -> Fate:
    return Fate(
        protocol=table.protocol,
        gateway=table.gateway,
        due_ns=record.due_ns,
        latency_ms=record.latency_ms,
        outcome=record.outcome.value,
        cluster=record.cluster,
        error=record.error,
    )
