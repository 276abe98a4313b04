# SPDX-License-Identifier: Apache-2.0
"""A hold or a bake, judged once more from the seconds it was judged by (E4)."""

from collections.abc import Iterator, Sequence

from relocate.evidence.record import Record
from relocate.evidence.rows import chosen, readable, why_not_these
from relocate.evidence.rules.given import Given
from relocate.evidence.samples import Judgements, Rows
from relocate.phases.judging import Judgement, judge_checks
from relocate.prober.claim import rate_bound
from relocate.prober.records import Second
from relocate.prober.sampling import judge_seen, sample_of


def why_not_judged(given: Given, judged: Judgements) -> Iterator[str]:
    """The judgement and its figures follow from the seconds, the counters and B's own checks."""
    missing = [why for rows in (judged.baseline_rows, judged.rows) if (why := why_not_there(given.record, rows))]
    if missing:
        yield from missing
        return
    before, after = seconds_of(given.record, judged.baseline_rows), seconds_of(given.record, judged.rows)
    baseline, sample = sample_of(before, judged.baseline_side), sample_of(after, judged.side, judged.rows.since)
    if baseline != judged.baseline:
        yield f"the baseline comes to {baseline.requests} requests, {baseline.errors} failed"
    if sample != judged.sample:
        yield f"the seconds come to {sample.requests} requests, {sample.errors} failed"
    found = judge_seen(
        judged.limits,
        judged.side,
        None if judged.alone else baseline,
        after,
        since=judged.rows.since,
        whole=judged.whole,
        counted=judged.counted,
        own=judge_checks(judged.own.failed_rounds, judged.own.reason, judged.side),
    )
    if found.judgement is not judged.judgement:
        yield f"it comes to {found.judgement}: {found.sentence}"
    yield from given.differs(None if found.judgement is Judgement.GOOD else found.sentence)
    bound = rate_bound(sample.requests, sample.errors) if sample.requests else None
    if bound != given.claim.bound:
        yield f"the bound comes to {bound}"


def why_not_there(record: Record, rows: Rows) -> str | None:
    """Whether the seconds that a claim was made from are in the record, unchanged."""
    return why_not_these(rows, chosen(rows, record.seconds))


def seconds_of(record: Record, rows: Rows) -> Sequence[Second]:
    """The seconds that a claim was made from."""
    return readable(chosen(rows, record.seconds))
