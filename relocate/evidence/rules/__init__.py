# SPDX-License-Identifier: Apache-2.0
"""For each kind of samples the rule by which its claim follows: the functions that made the claim, called once more."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from relocate.evidence.disagreement import Disagreement
from relocate.evidence.record import Record, read
from relocate.evidence.rules import asking, checking, counting, judging, seconds, writing
from relocate.evidence.rules.given import Given
from relocate.evidence.samples import (
    AllApplied,
    AskedGate,
    Capacity,
    CheckedAll,
    CheckedAnswers,
    CheckedRoutes,
    CheckedSeconds,
    Commanded,
    InstanceApplied,
    Judgements,
    ProvingAnswers,
    Raw,
    Removed,
    Started,
    UsageCounts,
    WatchedRoute,
    WrittenDocument,
    samples_of,
)

Rule = Callable[[Given, Any], Iterator[str]]
"""What follows instead of a claim, in words; nothing if the claim follows."""


def _said(_: Given, __: Raw) -> Iterator[str]:
    """A command is an observation by itself."""
    return iter(())


RULES: Mapping[type[Raw], Rule] = {
    AllApplied: writing.why_not_live,
    AskedGate: asking.why_not_opened,
    Capacity: asking.why_not_too_small,
    CheckedAll: checking.why_not_checked,
    CheckedAnswers: checking.why_not_answered,
    CheckedRoutes: checking.why_not_acknowledged,
    CheckedSeconds: checking.why_not_right,
    Commanded: _said,
    InstanceApplied: writing.why_not_applied,
    Judgements: judging.why_not_judged,
    ProvingAnswers: writing.why_not_proven,
    Removed: writing.why_not_removed,
    Started: writing.why_not_asked_for,
    UsageCounts: counting.why_not_drained,
    WatchedRoute: seconds.why_not_watched,
    WrittenDocument: writing.why_not_written,
}


def why_not_followed(record: Record) -> Sequence[Disagreement]:
    """Every claim that does not follow from its samples, and every second that does not add up."""
    return [*_unreadable(record), *_claims(record), *seconds.why_not_adding_up(record)]


def recomputed(record: Record) -> int:
    """How many claims there are that are not only said."""
    return sum(entry.samples is not None for entry in read(record))


def _unreadable(record: Record) -> Iterator[Disagreement]:
    for entry in record.entries:
        try:
            samples_of(entry.claim)
        except ValueError as error:
            says, first = f"it follows by the rule {entry.claim.detail.get('rule')!r}", str(error).splitlines()[0]
            yield Disagreement(entry=entry.seq, says=says, follows=f"its samples cannot be read: {first}")


def _claims(record: Record) -> Iterator[Disagreement]:
    entries = list(read(record))
    for number, entry in enumerate(entries):
        if entry.samples is None:
            continue
        for why in _why_not(Given(record, entries[:number], entry.claim), entry.samples):
            yield Disagreement(entry=entry.seq, says=entry.claim.sentence, follows=why)


def _why_not(given: Given, samples: Raw) -> Sequence[str]:
    try:
        return list(RULES[type(samples)](given, samples))
    except (ArithmeticError, LookupError, ValueError) as error:
        # Only forged samples make no sense at all to the functions that once took them.
        return [f"it cannot be recomputed: {type(error).__name__}: {error}"]
