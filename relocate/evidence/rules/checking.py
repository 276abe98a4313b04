# SPDX-License-Identifier: Apache-2.0
"""The last look before the point of no return, judged once more."""

from collections.abc import Iterator, Sequence

from relocate.evidence import last_check
from relocate.evidence.record import Read
from relocate.evidence.rules.asking import outcome
from relocate.evidence.rules.given import Given
from relocate.evidence.rules.judging import seconds_of, why_not_there
from relocate.evidence.samples import (
    CheckedAll,
    CheckedAnswers,
    CheckedRoutes,
    CheckedSeconds,
    UsageCounts,
)
from relocate.phases.teardown import join_reasons
from relocate.prober.sampling import sample_of


def why_not_acknowledged(given: Given, routes: CheckedRoutes) -> Iterator[str]:
    """E2, once more."""
    yield from given.differs(last_check.why_not_acknowledged(routes))


def why_not_answered(given: Given, answers: CheckedAnswers) -> Iterator[str]:
    """E3 and the target's own checks, once more."""
    found = outcome(answers.health)
    if found is not answers.health.outcome:
        yield f"the rounds of {answers.health.side} come to {found}, not to {answers.health.outcome}"
    unhealthy = None if answers.health.ready else answers.health.sentence
    yield from given.differs(join_reasons([last_check.why_not_seen(answers), unhealthy]))


def why_not_right(given: Given, seconds: CheckedSeconds) -> Iterator[str]:
    """E4, once more."""
    missing = why_not_there(given.record, seconds.rows)
    if missing is not None:
        yield missing
        return
    sample = sample_of(seconds_of(given.record, seconds.rows), seconds.side, seconds.rows.since)
    if sample != seconds.sample:
        yield f"the seconds come to {sample.requests} requests, {sample.errors} failed"
    yield from given.differs(last_check.why_not_watched(seconds.model_copy(update={"sample": sample})))


def why_not_checked(given: Given, everything: CheckedAll) -> Iterator[str]:
    """All of it together follows from the three claims before it and from the drain."""
    routes, answers, seconds = (given.last(kind) for kind in (CheckedRoutes, CheckedAnswers, CheckedSeconds))
    if (
        not isinstance(routes, CheckedRoutes)
        or not isinstance(answers, CheckedAnswers)
        or not isinstance(seconds, CheckedSeconds)
    ):
        yield "not everything had been asked before"
        return
    drained = everything.checked.drained
    found = last_check.checked(routes, answers, seconds, drained=drained, cut=everything.cut)
    if found.model_copy(update={"evidence_stored": True}) != everything.checked:
        yield "what was asked comes to something else"
    counts = _last_drain(given.earlier, everything.source)
    if drained is None and (counts is None or not counts.claim.holds):
        yield f"no drain of {everything.source} ended with nobody left"
    yield from given.differs(drained)


def _last_drain(earlier: Sequence[Read], side: str) -> Read | None:
    return next(
        (entry for entry in reversed(earlier) if isinstance(entry.samples, UsageCounts) and entry.samples.side == side),
        None,
    )
