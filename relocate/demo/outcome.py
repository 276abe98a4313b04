# SPDX-License-Identifier: Apache-2.0
"""What the demo leaves: report.json, the evidence of each relocation, and the page as one file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from relocate.attestation import Signer, collect
from relocate.demo.report.build import build_report, write_report
from relocate.demo.report.model import Claim, Drive, FaultReport, PhaseReport, RelocationReport, Report
from relocate.demo.traffic.record import read_recording
from relocate.model.evidence import Entry
from relocate.model.relocation import Phase, View
from relocate.store.database import Database
from steering.model import Rung


def write_outcome(
    build: Path,
    database: Database,
    records: Path,
    signer: Signer,
    *,
    drives: Sequence[Drive],
    relocations: Sequence[View],
    faults: Mapping[str, FaultReport],
) -> Report:
    """Write `report.json`, a signed `evidence-ID.json` for each relocation and the key; `faults` by relocation."""
    entries = {view.id: database.evidence.of(view.id) for view in relocations}
    moved = [_relocation(view, entries[view.id], faults.get(view.id)) for view in relocations]
    report = build_report(read_recording(records), drives, moved)
    write_report(report, build / "report.json")
    (build / "evidence-key.pem").write_text(signer.public_key or "")
    for identity in entries:
        (build / f"evidence-{identity}.json").write_bytes(signer.attest(collect(database, identity)))
    return report


def snapshot(
    database: Database, relocations: Sequence[View], traffic: Sequence[Mapping[str, Any]], report: Report
) -> dict[str, Any]:
    """Everything the page shows, for the page as one file."""
    decisions: dict[str, Any] = {}
    for view in relocations:
        for event in database.relocations.events(view.id):
            if event.kind == "decision":
                decisions[view.id] = event.data
    return {
        "relocations": [view.model_dump(mode="json") for view in relocations],
        "evidence": {
            view.id: [entry.model_dump(mode="json") for entry in database.evidence.of(view.id)] for view in relocations
        },
        "decisions": decisions,
        "traffic": list(traffic),
        "report": report.model_dump(mode="json"),
    }


def _relocation(view: View, entries: Sequence[Entry], fault: FaultReport | None) -> RelocationReport:
    return RelocationReport(
        id=view.id,
        source=view.source,
        target=view.target,
        outcome=view.outcome,
        started_at=view.created_at,
        finished_at=view.finished_at,
        sentence=view.sentence,
        switch_ms=_switch_ms(entries),
        phases=tuple(PhaseReport.model_validate(step.model_dump()) for step in view.steps),
        evidence={rung: _claims(entries, rung) for rung in Rung},
        cut=view.cut,
        fault=fault,
    )


def _switch_ms(entries: Sequence[Entry]) -> dict[str, float]:
    return {
        entry.claim.instance: round(float(entry.claim.detail["seconds"]) * 1000, 1)
        for entry in entries
        if entry.claim.rung == Rung.PROBED
        and entry.claim.phase is Phase.SWITCH
        and entry.claim.instance is not None
        and entry.claim.detail.get("seconds") is not None
    }


def _claims(entries: Sequence[Entry], rung: Rung) -> tuple[Claim, ...]:
    return tuple(
        Claim(sentence=entry.claim.sentence, basis=entry.claim.basis, holds=entry.claim.holds, at=entry.at)
        for entry in entries
        if entry.claim.rung == rung
    )
