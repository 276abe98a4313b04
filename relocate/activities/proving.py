# SPDX-License-Identifier: Apache-2.0
"""Proving that a write is live: fresh connections through one gateway instance, answers judged by `phases.proof`."""

import time
from collections.abc import Mapping

from readiness.contract import Probe
from readiness.model import Verdict
from readiness.probes import load
from relocate.activities.counting import Purpose, count_answer
from relocate.activities.ways import target_at
from relocate.model.application import Route
from relocate.phases.proof import Answer
from steering.model import EPOCH_HEADER, SIDE_HEADER, ProbePoint, Protocol

MIDDLE_STEP_ANSWERS = 40
"""Answers that a middle step's share is judged from, at least."""


def asker(route: Route) -> Probe:
    """The probe that sends the route's safe request and keeps the gateway's headers."""
    observe = (EPOCH_HEADER, SIDE_HEADER)
    if _kind(route) == "grpc":
        return load("grpc").open({"service": route.watch.path.lstrip("/"), "observe_headers": observe})
    return load("http").open({"path": route.watch.path, "observe_headers": observe})


def answers_needed(weights: Mapping[str, int], probes: int) -> int:
    """How many answers running a write needs: more where a share has to be told from chance."""
    split = sum(weight > 0 for weight in weights.values()) > 1
    return max(probes, MIDDLE_STEP_ANSWERS) if split else probes


async def ask(probe: Probe, route: Route, point: ProbePoint, count: int) -> list[Answer]:
    """`count` answers through one gateway instance, one after the other, ending early at the first failure."""
    answers: list[Answer] = []
    for _ in range(count):
        verdict = await probe.check(target_at(point, None), timeout=route.watch.timeout_seconds)
        count_answer(Purpose.PROOF, _kind(route), verdict)
        answers.append(_answer(point.instance, verdict))
        if not verdict.ready:
            break
    return answers


def _kind(route: Route) -> str:
    port = next(port for port in route.ports if port.name == route.watch.port)
    return "grpc" if port.protocol is Protocol.GRPC else "http"


def _answer(instance: str, verdict: Verdict) -> Answer:
    return Answer(
        instance=instance,
        epoch=verdict.observed.get(EPOCH_HEADER),
        side=verdict.observed.get(SIDE_HEADER),
        failure=None if verdict.ready else verdict.reason,
        at=time.time(),
    )
