# SPDX-License-Identifier: Apache-2.0
"""The real readiness gate, each step of which is computed once: the same few come again in every execution.

The gate's states are values; each one here is kept with what follows from it, and so is known by its identity.
"""

from readiness import gate
from readiness.gate import GateState, GateVerdict
from readiness.model import GateSpec, Readiness, Verdict
from relocate.activities import readying
from tests.modelcheck.remembered import Same, remembered

_WELL = Verdict(readiness=Readiness.READY)
_NOT_YET = Verdict(readiness=Readiness.NOT_YET, reason="it does not answer well")


@remembered
def begin(checks: tuple[str, ...]) -> GateState:
    """The gate before the first answer: one probe, asked by several ways."""
    return gate.begin(dict.fromkeys(checks, "http"), 0.0)


def advance(spec: GateSpec, state: GateState, now: float, said: tuple[bool, ...]) -> GateState:
    """The gate after a round in which each check was answered well, or was not."""
    return _advance(Same(spec), Same(state), now, said)


def judge(spec: GateSpec, state: GateState, now: float) -> GateVerdict:
    """What the gate says."""
    return _judge(Same(spec), Same(state), now)


def quick(spec: GateSpec) -> GateSpec:
    """The gate of a few looks in a row."""
    return _quick(Same(spec))


@remembered
def _advance(spec: Same[GateSpec], state: Same[GateState], now: float, said: tuple[bool, ...]) -> GateState:
    verdicts = {name: _WELL if well else _NOT_YET for name, well in zip(state.value.checks, said, strict=True)}
    return gate.advance(spec.value, state.value, now, verdicts)


@remembered
def _judge(spec: Same[GateSpec], state: Same[GateState], now: float) -> GateVerdict:
    return gate.judge(spec.value, state.value, now)


@remembered
def _quick(spec: Same[GateSpec]) -> GateSpec:
    return readying.quick(spec.value)
