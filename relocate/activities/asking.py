# SPDX-License-Identifier: Apache-2.0
"""Asking a side's gate, with every round kept for the record."""

import math
from collections import deque
from collections.abc import Mapping

from readiness import rounds
from readiness.checks import Check
from readiness.model import GateSpec
from readiness.rounds import AT_ANY_TIME, Round, Turn
from relocate.evidence.samples import AskedGate, AskedRound, without_settings

ROUNDS = 200
"""Rounds that are kept at least: the latest, and always those of the time in which the rule has to hold."""


async def ask(side: str, gate: GateSpec, checks: Mapping[str, Check], *, turn: Turn = AT_ANY_TIME) -> AskedGate:
    """Ask all checks until the gate ends; how it ended, with the rounds it follows from. Turn: see `rounds.watch`."""
    needed = math.ceil(gate.stable_seconds / gate.period_seconds) + 2
    kept: deque[AskedRound] = deque(maxlen=max(ROUNDS, needed))

    async def keep(one: Round) -> None:
        kept.append(AskedRound(at=one.at, said=dict(one.verdicts)))

    result = await rounds.watch(gate, checks, on_round=keep, turn=turn)
    return AskedGate(
        side=side,
        gate=without_settings(gate),
        checks={name: check.probe for name, check in checks.items()},
        rounds=tuple(kept),
        left_out=result.rounds - len(kept),
        outcome=result.outcome,
        sentence=result.sentence,
    )
