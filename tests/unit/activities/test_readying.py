# SPDX-License-Identifier: Apache-2.0
"""The quick look at a side, before anything relies on it again."""

import pytest

from readiness.answers import ready
from readiness.checks import Check
from readiness.clock import FakeClock
from readiness.model import GateSpec, ProbeSpec, Verdict
from readiness.rounds import watch
from relocate.activities.readying import LOOKS, quick


@pytest.mark.parametrize(("stable_seconds", "looks"), [(60.0, LOOKS), (0.2, 2), (0.0, 1)])
async def test_a_quick_look_asks_a_few_times_and_never_more_often_than_the_gate(
    stable_seconds: float, looks: int
) -> None:
    """A long stable time is not waited for; where the gate opens at its first good round, so does the look."""
    clock, asked = FakeClock(), []

    async def good() -> Verdict:
        asked.append(clock.monotonic())
        return ready("ok")

    gate = GateSpec(probes=(ProbeSpec(kind="http"),), period_seconds=0.2, stable_seconds=stable_seconds)
    looked = await watch(quick(gate), {"http": Check(good, "http")}, clock=clock)
    assert looked.ready
    assert len(asked) == looks
