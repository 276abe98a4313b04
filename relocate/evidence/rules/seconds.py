# SPDX-License-Identifier: Apache-2.0
"""The prober's seconds add up, and cover what a claim says they cover (E4)."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from relocate.evidence.disagreement import Disagreement
from relocate.evidence.record import Record
from relocate.evidence.rows import WatchedSecond, instance_of, why_not_told
from relocate.evidence.rules.given import Given
from relocate.evidence.rules.judging import seconds_of, why_not_there
from relocate.evidence.samples import WatchedRoute
from relocate.prober.claim import rate_bound, sentence, summed
from relocate.prober.coverage import coverage
from relocate.prober.records import Second, SideCount

Place = tuple[str, str, int]
"""Route, vantage, second."""


def why_not_watched(given: Given, watched: WatchedRoute) -> Iterator[str]:
    """The watched intervals, the holes, the failures and the bound follow from the seconds."""
    missing = why_not_there(given.record, watched.rows) or why_not_told(watched.failures, given.record.failures)
    if missing is not None:
        yield missing
        return
    seconds = seconds_of(given.record, watched.rows)
    covered = coverage(
        seconds,
        vantages=watched.vantages,
        period=watched.period_seconds,
        since=watched.since,
        until=watched.until,
    )
    added = summed(seconds)
    if covered.model_dump(mode="json") != watched.coverage:
        yield f"the seconds come to {len(covered.watched)} watched intervals and {len(covered.holes)} holes"
    if given.claim.sentence != (
        found := f"route {watched.route} was {sentence(added, covered, watched.period_seconds)}"
    ):
        yield found
    if given.claim.bound != (rate_bound(added.finished, added.errors) if added.finished else None):
        yield "the bound is another one"
    conclusive = covered.conclusive and added.errors == 0
    yield from given.differs(None if conclusive else f"{added.errors} failed, {len(covered.holes)} holes")


def why_not_adding_up(record: Record) -> Iterator[Disagreement]:
    """Each second's counts sum, and each failure it counts is there word by word or counted as left out."""
    words = _failures(record)
    for row in record.seconds:
        place = f"{row.route} through {row.vantage} in second {row.second}"
        try:
            second = Second.model_validate(row.body)
        except ValidationError:
            yield Disagreement(says=f"the prober watched {place}", follows="its record cannot be read")
            continue
        for why in _why_not_whole(row, second, words):
            yield Disagreement(says=f"the prober sent {second.sent} requests to {place}", follows=why)


def _why_not_whole(row: WatchedSecond, second: Second, words: Mapping[Place, int]) -> Iterator[str]:
    if (second.vantage, second.second) != (instance_of(row.vantage), row.second):
        yield f"the record is that of {second.vantage} in second {second.second}"
    sides = second.by_side.values()
    if second.sent != second.finished + second.unfinished:
        yield f"{second.right} right, {second.wrong} wrong, {second.failed} failed and {second.unfinished} unfinished do not sum to that"
    if sum(side.count for side in sides) != second.finished:
        yield f"the sides' counts sum to {sum(side.count for side in sides)}, and {second.finished} ended"
    if sum(side.errors for side in sides) != second.wrong + second.failed:
        yield f"the sides' errors sum to {sum(side.errors for side in sides)}, and {second.wrong + second.failed} were not right"
    if second.unreached > min(second.failed, second.by_side.get("", SideCount()).errors):
        yield f"{second.unreached} are said to have come to no side, and {second.failed} failed"
    if sum(side.histogram.total for side in sides) != second.right:
        yield f"the histograms hold {sum(side.histogram.total for side in sides)} latencies, and {second.right} were right"
    told = words.get((row.route, second.vantage, row.second), 0) + second.left_out
    if told < second.wrong + second.failed:
        yield f"{second.wrong + second.failed} were not right, and {told} of those are told"


def _failures(record: Record) -> Mapping[Place, int]:
    """Failures by second. One whose moment was rounded up to a whole second counts for the one before, too."""
    found: Counter[Place] = Counter()
    for one in record.failures:
        at = one.at.timestamp()
        for second in {math.floor(at), math.ceil(at) - 1} if at == math.floor(at) else {math.floor(at)}:
            found[one.route, one.vantage, second] += 1
    return found
