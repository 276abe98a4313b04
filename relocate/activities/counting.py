# SPDX-License-Identifier: Apache-2.0
"""What probes answered, counted for the metrics."""

from collections.abc import Mapping
from enum import StrEnum

from readiness.checks import Check
from readiness.gate import probe_labels
from readiness.model import GateSpec, Verdict
from relocate.metrics.worker import PROBE_SECONDS, PROBES

BESIDE = "cluster"
"""Stands for the kind of a question beside the probes."""


class Purpose(StrEnum):
    """Why probes are asked."""

    READY = "ready"
    HEALTH = "health"
    JUDGE = "judge"
    CHECK = "check"
    PROOF = "proof"


class AnswerMeter:
    """Counts what the checks of one gate answer."""

    def __init__(self, purpose: Purpose, gate: GateSpec, checks: Mapping[str, Check]) -> None:
        """Args: purpose: why they are asked; gate: whose kinds of probe; checks: by the names under which they answer."""
        kinds = dict(zip(probe_labels(gate), (probe.kind for probe in gate.probes), strict=True))
        self._kinds = {name: kinds.get(check.probe or "", BESIDE) for name, check in checks.items()}
        self._purpose = purpose

    def count(self, verdicts: Mapping[str, Verdict]) -> None:
        """One round of answers, by check."""
        for name, verdict in verdicts.items():
            count_answer(self._purpose, self._kinds[name], verdict)


def count_answer(purpose: Purpose, kind: str, verdict: Verdict) -> None:
    """One answer."""
    PROBES.labels(kind, purpose, verdict.readiness).inc()
    if verdict.took_seconds:
        PROBE_SECONDS.labels(kind).observe(verdict.took_seconds)
