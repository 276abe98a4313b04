# SPDX-License-Identifier: Apache-2.0
"""A side's gate, advanced once more over its rounds."""

from collections.abc import Iterator

from readiness import gate as rule
from readiness.gate import GateOutcome
from relocate.evidence.rules.given import Given
from relocate.evidence.samples import AskedGate, Capacity


def why_not_opened(given: Given, asked: AskedGate) -> Iterator[str]:
    """The gate's outcome follows from its rounds, and the claim says it."""
    if given.claim.side != asked.side:
        yield f"{asked.side} was asked"
    found = outcome(asked)
    if found is not asked.outcome:
        yield f"its rounds come to {found}, not to {asked.outcome}"
    yield from given.differs(None if found is GateOutcome.READY else f"its rounds come to {found}")


def outcome(asked: AskedGate) -> GateOutcome:
    """What the gate says after these rounds; `not_yet` when they do not say."""
    began = asked.rounds[0].at if asked.left_out and asked.rounds else 0.0
    state = rule.begin(asked.checks, began)
    verdict = rule.judge(asked.gate, state, began)
    for one in asked.rounds:
        try:
            state = rule.advance(asked.gate, state, one.at, one.said)
        except ValueError:
            return GateOutcome.NOT_YET
        verdict = rule.judge(asked.gate, state, one.at)
    if verdict.ended:
        return verdict.outcome
    return rule.judge(asked.gate, state, began + asked.gate.deadline_seconds).outcome


def why_not_too_small(given: Given, capacity: Capacity) -> Iterator[str]:
    """A side that is too small for what the source serves."""
    known = capacity.at_least is not None and capacity.capacity is not None
    small = known and (capacity.capacity or 0) < (capacity.at_least or 0)
    yield from given.differs("it is too small" if small else None)
