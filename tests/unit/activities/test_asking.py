# SPDX-License-Identifier: Apache-2.0
"""The rounds of a gate are kept for the record, and are enough to judge it once more."""

from collections.abc import Awaitable, Callable

import pytest

from readiness.checks import Check
from readiness.gate import GateOutcome
from readiness.model import GateSpec, ProbeSpec, Readiness, Verdict
from relocate.activities import asking
from relocate.activities.counting import Purpose
from relocate.evidence.rules.asking import outcome


def answering(*answers: Readiness) -> Callable[[], Awaitable[Verdict]]:
    """A question that is answered so, one after the other; the last answer stays."""
    left = list(answers)

    async def ask() -> Verdict:
        return Verdict(readiness=left.pop(0) if len(left) > 1 else left[0], reason="the test says so")

    return ask


def gate(**times: float) -> GateSpec:
    """One probe; the times are short, for they are real."""
    spec = {"period_seconds": 0.01, "stable_seconds": 0.03, "deadline_seconds": 0.15, "timeout_seconds": 0.1, **times}
    probe = ProbeSpec(kind="http", settings={"headers": {"authorization": "secret"}})
    return GateSpec.model_validate({"probes": [probe], **spec})


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([Readiness.READY], GateOutcome.READY),
        ([Readiness.NOT_YET, Readiness.READY, Readiness.NOT_YET, Readiness.READY], GateOutcome.READY),
        ([Readiness.NOT_YET], GateOutcome.DEADLINE),
        ([Readiness.NEVER], GateOutcome.NEVER),
    ],
)
@pytest.mark.parametrize("most", [1, asking.ROUNDS])
async def test_a_gate_judged_once_more_ends_as_it_ended(
    answers: list[Readiness], expected: GateOutcome, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the rounds that are kept, also when the earlier ones are not."""
    monkeypatch.setattr(asking, "ROUNDS", most)
    found = await asking.ask("mec-b", gate(), {"http direct": Check(answering(*answers), "http")}, Purpose.READY)
    assert found.outcome is expected
    assert outcome(found) is expected


async def test_what_probes_send_is_not_kept() -> None:
    """It may be secret."""
    found = await asking.ask(
        "mec-b", gate(stable_seconds=0), {"http direct": Check(answering(Readiness.READY), "http")}, Purpose.READY
    )
    assert "secret" not in found.model_dump_json()
