# SPDX-License-Identifier: Apache-2.0
"""The report and its verdict."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from relocate.demo.report import Claim, Drive, Order, RelocationReport, Report, build_report, exit_code, write_report
from relocate.demo.report.model import Account
from relocate.demo.report.schema import report_schema, schema_text
from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.record import Outcome, Record, Recording
from relocate.demo.traffic.timetable import Timetable
from relocate.model.relocation import Outcome as RelocationOutcome
from steering.model import Rung

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
START_NS = round(START.timestamp()) * 1_000_000_000
SECOND_NS = 1_000_000_000
TABLE = Timetable("ue-1.http2.edge-1", "ue-1", Protocol.HTTP2, "edge-1", START_NS, SECOND_NS // 10)


def recording(fates: dict[int, Outcome] | None = None) -> Recording:
    """Sixty seconds at ten requests a second; slow from second 40 on, right unless said otherwise."""
    found = fates or {}
    records = [
        Record(0, slot, TABLE.due_ns(slot), 30.0 if slot >= 400 else 5.0, found.get(slot, Outcome.RIGHT), "a", "mec-a")
        for slot in range(600)
    ]
    return Recording((TABLE,), tuple(records))


def drive(order: Order, start: int, end: int) -> Drive:
    """Of these seconds."""
    return Drive(order=order, start_ns=START_NS + start * SECOND_NS, end_ns=START_NS + end * SECOND_NS)


def relocation(name: str, start: int, end: int) -> RelocationReport:
    """In these seconds."""
    return RelocationReport(
        id=name,
        source="mec-a",
        target="mec-b",
        outcome=RelocationOutcome.COMPLETED,
        started_at=START + timedelta(seconds=start),
        finished_at=START + timedelta(seconds=end),
        switch_ms={"edge-1": 12.5},
        evidence={Rung.PROBED: (Claim(sentence="5 of 5 fresh connections", basis="sampled", holds=True),)},
    )


BOTH = (drive(Order.TODAY, 0, 20), drive(Order.OURS, 20, 60))


def test_ours_without_a_loss_passes() -> None:
    """Today's losses are counted beside, and do not count against ours."""
    report = build_report(recording({30: Outcome.FAILED, 31: Outcome.WRONG}), BOTH)
    assert report.verdict == (
        "sent 400, lost 0 (with 95 % confidence fewer than 3/400 of requests, 0.75 %), longest gap 25 ms; "
        "today's order lost 1 of 200, 1 wrong, longest gap 200 ms"
    )
    assert report.today is not None
    assert (report.today.sent, report.today.lost, report.today.wrong) == (200, 1, 1)
    assert report.passed
    assert exit_code(report) == 0


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.WRONG, Outcome.MISSING])
def test_one_request_not_answered_right_does_not_pass(outcome: Outcome) -> None:
    """Failed, wrong and missing alike."""
    assert exit_code(build_report(recording({300: outcome}), BOTH)) == 1


def test_losses_are_told_with_an_interval() -> None:
    """When something was lost, the sentence says between which shares the rate lies."""
    report = build_report(recording({300: Outcome.FAILED, 301: Outcome.MISSING}), BOTH[1:])
    assert report.verdict.startswith(
        "sent 400, lost 2 (0.50 %; with 95 % confidence between 0.06 % and 1.79 % of requests)"
    )
    assert report.lost_share_at_most == pytest.approx(0.01794, abs=1e-5)


def test_nothing_sent_proves_nothing() -> None:
    """A report over no request does not pass."""
    report = build_report(Recording((), ()), BOTH)
    assert report.verdict == "sent 0: nothing was measured"
    assert exit_code(report) == 1


def test_latencies_are_told_before_during_and_after() -> None:
    """By when requests were due; between two relocations they are after the one and before the other."""
    moved = (relocation("r-1", 30, 35), relocation("r-2", 45, 50))
    report = build_report(recording(), BOTH, moved)
    first, second = (each.latency_ms for each in report.relocations)
    assert (first.before.samples, first.during.samples, first.after.samples) == (100, 50, 100)
    assert (second.before.samples, second.during.samples, second.after.samples) == (100, 50, 100)
    assert (first.before.max, second.after.p50) == (5.0, 30.0)
    assert (report.latency_ms.during.samples, report.latency_ms.during.p99) == (100, 30.0)


def test_a_relocation_that_is_still_open_lasts_to_its_drives_end() -> None:
    """There is no after then."""
    still_open = relocation("r-1", 30, 35).model_copy(update={"finished_at": None, "outcome": None})
    latencies = build_report(recording(), BOTH, [still_open]).relocations[0].latency_ms
    assert (latencies.during.samples, latencies.after.samples) == (300, 0)


def test_drives_may_not_overlap() -> None:
    """A request belongs to one drive."""
    with pytest.raises(ValueError, match="drives: may not overlap"):
        build_report(recording(), [drive(Order.TODAY, 0, 21), drive(Order.OURS, 20, 60)])


def test_an_account_that_does_not_add_up_cannot_be_made() -> None:
    """Whoever makes it."""
    with pytest.raises(ValidationError, match="must be right"):
        Account(sent=3, right=1)


def test_a_written_report_matches_its_schema_and_reads_back(tmp_path: Path) -> None:
    """What stands on disk is what the schema promises."""
    report = build_report(recording({300: Outcome.FAILED}), BOTH, [relocation("r-1", 30, 35)])
    path = tmp_path / "build" / "report.json"
    write_report(report, path)
    jsonschema.validate(json.loads(path.read_text()), report_schema())
    assert Report.model_validate_json(path.read_text()) == report


def test_the_documented_schema_is_up_to_date() -> None:
    """Else: python -m relocate.demo.report.schema docs/reference/report.schema.json."""
    documented = Path(__file__).parents[3] / "docs" / "reference" / "report.schema.json"
    assert documented.read_text() == schema_text()
