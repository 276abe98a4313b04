# SPDX-License-Identifier: Apache-2.0
"""From raw records to accounts. The timetables say what was due; a due request without a record is missing."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from relocate.demo.report.model import Account, Latency, ProtocolAccount
from relocate.demo.traffic.latency import quantile
from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.record import Event, Outcome, Record, Recording, right_answers
from relocate.demo.traffic.timetable import Timetable

Window = tuple[int, int]
"""From (inclusive) and to (exclusive), in nanoseconds since 1970."""

MILLISECOND_NS = 1_000_000


def due_in(recording: Recording, window: Window) -> Sequence[Record]:
    """Every request that was due in the window, in the order of its timetable; those without a record as missing.

    Raises:
        ValueError: a request is recorded twice.
    """
    known: dict[tuple[int, int], Record] = {}
    for record in recording.records:
        if known.setdefault((record.timetable, record.slot), record) is not record:
            raise ValueError(f"slot {record.slot} of timetable {record.timetable} is recorded twice")
    until = min([window[1], *(event.at_ns for event in recording.events if event.event == "end")])
    return [
        known.get((index, slot)) or _unrecorded(index, table, slot)
        for index, table in enumerate(recording.timetables)
        for slot in range(table.slots_before(window[0]), table.slots_before(until))
    ]


def _unrecorded(index: int, table: Timetable, slot: int) -> Record:
    return Record(index, slot, table.due_ns(slot), None, Outcome.MISSING, error="not recorded")


class Accounts:
    """The requests and events of some windows, kept apart where a gap must not span them."""

    def __init__(self, recording: Recording, windows: Collection[Window]) -> None:
        """Args: recording: everything; windows: what belongs to this account."""
        self._tables = recording.timetables
        self._by_window = [due_in(recording, window) for window in windows]
        self.records: Sequence[Record] = [record for records in self._by_window for record in records]
        self._cuts: Sequence[Event] = [
            event
            for event in recording.events
            if event.event == "cut" and any(start <= event.at_ns < end for start, end in windows)
        ]

    def account(self) -> Account:
        """All protocols together."""
        cut = len(self._cuts)
        gap = max((self._gap(records) for records in self._by_window), default=0.0)
        return Account(**_counts(self.records), cut=cut, longest_gap_ms=gap)

    def per_protocol(self) -> Mapping[Protocol, ProtocolAccount]:
        """Each protocol that was due at all."""
        found = {table.protocol: None for table in self._tables}
        accounts = {protocol: self._of(protocol) for protocol in found}
        return {protocol: account for protocol, account in accounts.items() if account.sent}

    def reasons(self) -> Mapping[str, int]:
        """Why requests were not answered right, most frequent first."""
        reasons = Counter(record.error or "" for record in self.records if record.outcome is not Outcome.RIGHT)
        return dict(reasons.most_common())

    def cuts(self) -> Mapping[str, int]:
        """Why streams were cut, most frequent first."""
        return dict(Counter(event.text for event in self._cuts).most_common())

    def _of(self, protocol: Protocol) -> ProtocolAccount:
        parts = [self._only(protocol, records) for records in self._by_window]
        records = [record for part in parts for record in part]
        cuts = [event for event in self._cuts if event.timetable is not None]
        return ProtocolAccount(
            **_counts(records),
            cut=sum(self._tables[event.timetable or 0].protocol is protocol for event in cuts),
            longest_gap_ms=max((self._gap(part) for part in parts), default=0.0),
            latency_ms=latency(records),
        )

    def _only(self, protocol: Protocol, records: Sequence[Record]) -> Sequence[Record]:
        return [record for record in records if self._tables[record.timetable].protocol is protocol]

    def _gap(self, records: Sequence[Record]) -> float:
        by_table: dict[int, list[Record]] = defaultdict(list)
        for record in records:
            by_table[record.timetable].append(record)
        return max((longest_gap_ms(own, self._tables[index].period_ns) for index, own in by_table.items()), default=0.0)


def longest_gap_ms(records: Sequence[Record], period_ns: int) -> float:
    """Longest time without a right answer on one timetable, less its period, over requests in the order of their slots.

    The first request's due time less a period, and the last one's plus a period, stand for answers before and after.
    """
    if not records:
        return 0.0
    answers = sorted(record.concluded_ns or 0 for record in right_answers(records))
    last = [] if records[-1].outcome is Outcome.RIGHT else [records[-1].due_ns + period_ns]
    moments = sorted([records[0].due_ns - period_ns, *answers, *last])
    longest_ns = max(later - earlier for earlier, later in pairwise(moments))
    return round(max(0, longest_ns - period_ns) / MILLISECOND_NS, 3)


def latency(records: Iterable[Record]) -> Latency:
    """Of the right answers."""
    ordered = sorted(record.latency_ms or 0.0 for record in right_answers(records))
    return Latency(
        samples=len(ordered),
        p50=quantile(ordered, 0.5),
        p99=quantile(ordered, 0.99),
        max=ordered[-1] if ordered else None,
    )


def _counts(records: Sequence[Record]) -> dict[str, int]:
    outcomes = Counter(record.outcome for record in records)
    failed, missing = outcomes[Outcome.FAILED], outcomes[Outcome.MISSING]
    return {
        "sent": len(records),
        "right": outcomes[Outcome.RIGHT],
        "wrong": outcomes[Outcome.WRONG],
        "failed": failed,
        "missing": missing,
        "lost": failed + missing,
    }
