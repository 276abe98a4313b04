# SPDX-License-Identifier: Apache-2.0
"""When a write is live: acknowledged by every gateway instance (E2), and seen in answers through each of them (E3)."""

import math
from collections.abc import Collection, Mapping, Sequence

from relocate.model.values import Payload
from steering.model import Acknowledgement, InstanceAcknowledgement, Rung

SHARE_TOLERANCE_SIGMAS = 4.0
"""A middle step's share may differ from its weight by four standard deviations: one wrong alarm in 16,000."""


class Answer(Payload):
    """One answer to a proving request through one gateway instance's listener, on a fresh connection."""

    instance: str
    epoch: str | None = None
    side: str | None = None
    failure: str | None = None
    at: float | None = None
    """When it had come, in seconds since 1970."""


def why_not_acknowledged(answers: Sequence[InstanceAcknowledgement], waived: Sequence[str] = ()) -> str | None:
    """What is missing until every expected gateway instance has applied a version.

    A dead instance (it refuses connections and holds no configuration) serves nobody wrongly and is left out; so is one
    that the request waives by name. "At least one, and all": if nobody is left, nothing is proven.
    """
    counted = [a for a in answers if a.state is not Acknowledgement.DEAD and a.instance not in waived]
    if not counted:
        return "no gateway instance is left that could acknowledge"
    missing = [a for a in counted if a.state is not Acknowledgement.APPLIED]
    if not missing:
        return None
    return "; ".join(_missing(answer) for answer in missing)


def is_waived(rungs: Collection[Rung], *, unproven: bool) -> bool:
    """Whether `unproven: allow` waives acknowledgements at a gateway: only where its adapter can give none (E2)."""
    return unproven and Rung.ACKNOWLEDGED not in rungs


def is_provable(rungs: Collection[Rung], *, unproven: bool) -> bool:
    """Whether a write can ever count as live at a gateway: its adapter acknowledges, or need not."""
    return Rung.ACKNOWLEDGED in rungs or unproven


def is_rejected(answers: Sequence[InstanceAcknowledgement], waived: Sequence[str] = ()) -> bool:
    """Whether an instance refused the version: waiting will not help."""
    return any(a.state is Acknowledgement.REJECTED and a.instance not in waived for a in answers)


def alive(answers: Sequence[InstanceAcknowledgement], waived: Sequence[str] = ()) -> Sequence[str]:
    """Names of the instances whose proof is needed."""
    return [a.instance for a in answers if a.state is not Acknowledgement.DEAD and a.instance not in waived]


def why_not_seen(answers: Sequence[Answer], epoch: str, weights: Mapping[str, int]) -> str | None:
    """What speaks against a write being live at one instance, judged from answers through it.

    Args:
        answers: in the order they came, all from one instance.
        epoch: the write's epoch.
        weights: the write's weights, percent by side.
    """
    if not answers:
        return "nothing was asked"
    instance = answers[0].instance
    failed = next((a.failure for a in answers if a.failure), None)
    if failed:
        return f"{instance}: {failed}"
    stale = next((a for a in answers if a.epoch != epoch), None)
    if stale is not None:
        return f"{instance} still answers with epoch {stale.epoch}"
    allowed = {name for name, weight in weights.items() if weight > 0}
    astray = next((a for a in answers if a.side not in allowed), None)
    if astray is not None:
        return f"{instance} answered from {astray.side}, not from {' or '.join(sorted(allowed))}"
    return _why_share_off(instance, answers, weights)


def is_failing(answers: Sequence[Answer], epoch: str) -> bool:
    """Whether this very write was seen and what it leads to fails: no lag of propagation, so waiting will not help."""
    return any(answer.failure is not None and answer.epoch == epoch for answer in answers)


def _why_share_off(instance: str, answers: Sequence[Answer], weights: Mapping[str, int]) -> str | None:
    total = len(answers)
    for side, weight in weights.items():
        share = weight / 100
        seen = sum(answer.side == side for answer in answers)
        tolerance = SHARE_TOLERANCE_SIGMAS * math.sqrt(total * share * (1 - share)) + (1 if 0 < share < 1 else 0)
        if abs(seen - total * share) > tolerance:
            return f"{instance}: {side} answered {seen} of {total}, its weight is {weight} %"
    return None


def _missing(answer: InstanceAcknowledgement) -> str:
    words = {
        Acknowledgement.PENDING: "has not acknowledged yet",
        Acknowledgement.REJECTED: "rejected the configuration",
        Acknowledgement.DEAF: "answers users, but its control connection is gone",
        Acknowledgement.UNKNOWN: "is in an unknown state",
    }
    text = f"gateway instance {answer.instance} {words[answer.state]}"
    return f"{text}: {answer.reason}" if answer.reason else text
