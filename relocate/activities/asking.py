# SPDX-License-Identifier: Apache-2.0
"""Asking a side's gate, with every round kept for the record."""

import math
from collections import deque
from collections.abc import Mapping

from opentelemetry import trace

from readiness import rounds
from readiness.checks import Check
from readiness.model import GateSpec, Readiness, Verdict
from readiness.rounds import AT_ANY_TIME, Round, Turn
from relocate.activities.counting import AnswerMeter, Purpose
from relocate.evidence.samples import AskedGate, AskedRound, without_settings
from relocate.tracing import TRACER

ROUNDS = 200
"""Rounds that are kept at least: the latest, and always those of the time in which the rule has to hold."""


async def ask(
    side: str, gate: GateSpec, checks: Mapping[str, Check], purpose: Purpose, *, turn: Turn = AT_ANY_TIME
) -> AskedGate:
    """Ask all checks until the gate ends; how it ended, with the rounds it follows from. Turn: see `rounds.watch`."""
    needed = math.ceil(gate.stable_seconds / gate.period_seconds) + 2
    kept: deque[AskedRound] = deque(maxlen=max(ROUNDS, needed))
    meter, story = AnswerMeter(purpose, gate, checks), _Story()

    async def keep(one: Round) -> None:
        meter.count(one.verdicts)
        story.tell(one.verdicts)
        kept.append(AskedRound(at=one.at, said=dict(one.verdicts)))

    with TRACER.start_as_current_span("ask", attributes={"relocate.side": side, "relocate.purpose": purpose}) as span:
        result = await rounds.watch(gate, checks, on_round=keep, turn=turn)
        span.set_attribute("relocate.rounds", result.rounds)
    return AskedGate(
        side=side,
        gate=without_settings(gate),
        checks={name: check.probe for name, check in checks.items()},
        rounds=tuple(kept),
        left_out=result.rounds - len(kept),
        outcome=result.outcome,
        sentence=result.sentence,
    )


class _Story:
    """What a trace says of many rounds: each check's first answer, and every one that differs from the one before."""

    def __init__(self) -> None:
        self._said: dict[str, Readiness] = {}

    def tell(self, verdicts: Mapping[str, Verdict]) -> None:
        span = trace.get_current_span()
        for name, verdict in verdicts.items():
            if self._said.get(name) is not verdict.readiness:
                self._said[name] = verdict.readiness
                span.add_event(name, {"answer": verdict.readiness, "reason": verdict.reason})
