# SPDX-License-Identifier: Apache-2.0
"""A drain, counted once more (E5)."""

import itertools
from collections.abc import Iterator

from relocate.evidence.rules.given import Given
from relocate.evidence.samples import UsageCounts
from relocate.phases.draining import DrainState, count, is_drained


def why_not_drained(given: Given, counts: UsageCounts) -> Iterator[str]:
    """Zero in flight and nothing new at every instance for the window, by the counts on record."""
    if given.claim.side != counts.side:
        yield f"{counts.side} was counted"
    if counts.window_seconds != counts.drain.window_seconds:
        yield f"the policy's window is {counts.drain.window_seconds:g} s"
    moments = [(at, run.usage) for run in counts.counts for at in run.at]
    if any(later[0] < earlier[0] for earlier, later in itertools.pairwise(moments)):
        yield "its counts are not in order"
        return
    state, drained = DrainState(), False
    for now, usage in moments:
        state = count(state, usage, now)
        drained = is_drained(state, now, counts.drain.window_seconds)
    against = (
        None if drained else f"the counts do not show {counts.drain.window_seconds:g} s without use: {state.sentence}"
    )
    yield from given.differs(against)
    if state.left != counts.left:
        yield f"{'an unknown number' if state.left is None else state.left} was left at the last count"
    if state.requests_total != counts.by_instance:
        yield "the last count came to other totals"
