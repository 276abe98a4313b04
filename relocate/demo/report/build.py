# SPDX-License-Identifier: Apache-2.0
"""One report from the traffic's records, the drives, and what is known of each relocation."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from relocate.demo.report.accounts import Accounts, Window
from relocate.demo.report.fates import in_flight
from relocate.demo.report.model import Drive, Order, RelocationReport, Report
from relocate.demo.report.spans import Spans, latency_by_time, spans
from relocate.demo.report.verdict import lost_share_at_most, passed, verdict
from relocate.demo.traffic.record import Recording


def build_report(recording: Recording, drives: Sequence[Drive], relocations: Sequence[RelocationReport] = ()) -> Report:
    """The whole report.

    Args:
        recording: the traffic's records, read back.
        drives: when which order was followed; they may not overlap.
        relocations: those of our drives; what the records say about each is filled in here.

    Raises:
        ValueError: drives overlap, or a request is recorded twice.
    """
    _check_apart(drives)
    windows = _windows(drives, Order.OURS)
    today_windows = _windows(drives, Order.TODAY)
    accounts = Accounts(recording, windows)
    ours = accounts.account()
    today = Accounts(recording, today_windows).account() if today_windows else None
    every = [found for moved in relocations if (found := spans(moved, relocations, windows))]
    return Report(
        **ours.model_dump(),
        verdict=verdict(ours, today),
        passed=passed(ours),
        lost_share_at_most=lost_share_at_most(ours),
        per_protocol=dict(accounts.per_protocol()),
        latency_ms=latency_by_time(every, accounts.records),
        today=today,
        relocations=tuple(_filled(moved, spans(moved, relocations, windows), recording) for moved in relocations),
        drives=tuple(drives),
        reasons=dict(accounts.reasons()),
    )


def write_report(report: Report, path: Path) -> None:
    """Write it as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def _windows(drives: Sequence[Drive], order: Order) -> Sequence[Window]:
    return [(drive.start_ns, drive.end_ns) for drive in drives if drive.order is order]


def _check_apart(drives: Sequence[Drive]) -> None:
    in_order = sorted(drives, key=lambda drive: drive.start_ns)
    if any(later.start_ns < earlier.end_ns for earlier, later in pairwise(in_order)):
        raise ValueError("drives: may not overlap, as a request belongs to one of them")


def _filled(moved: RelocationReport, found: Spans | None, recording: Recording) -> RelocationReport:
    """With what the traffic's records say about it."""
    if found is None:
        return moved
    during = Accounts(recording, [found.during])
    every = Accounts(recording, [(found.before[0], found.after[1])]).records
    fault = moved.fault
    if fault is not None and fault.at_ns is not None:
        fault = fault.model_copy(update={"in_flight": in_flight(recording.timetables, every, fault.at_ns)})
    return moved.model_copy(
        update={
            "latency_ms": latency_by_time([found], every),
            "account": during.account(),
            "reasons": dict(during.reasons()),
            "fault": fault,
        }
    )
