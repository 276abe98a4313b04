# SPDX-License-Identifier: Apache-2.0
"""How good a cluster is: functions from a candidate to 0 (unknown, or as bad as is allowed) ... 100 (best)."""

from relocate.model.application import Requirements
from relocate.targets.contract import Candidate
from relocate.targets.filters import known


def latency(candidate: Candidate, limit_ms: float) -> float:
    """100 at no latency, falling linearly to 0 at the limit."""
    measured = known(candidate.latency_ms)
    return 0.0 if measured is None else _percent(1 - measured / limit_ms)


def capacity(candidate: Candidate, taken: Requirements, *, plenty_millicores: int, plenty_mib: int) -> float:
    """What stays free of CPU and of memory once `taken` is taken, against what counts as plenty; the mean of both."""
    cpu = _share(candidate.cpu_free_millicores, taken.cpu_millicores, plenty_millicores)
    memory = _share(candidate.memory_free_mib, taken.memory_mib, plenty_mib)
    return (cpu + memory) / 2


def mean(scores: dict[str, float], weights: dict[str, float]) -> float:
    """The weighted mean of `scores`; a scorer without a weight does not count."""
    total = sum(weights[name] for name in scores)
    return sum(score * weights[name] for name, score in scores.items()) / total


def _share(free: int | None, taken: int, plenty: int) -> float:
    return 0.0 if free is None else _percent((free - taken) / plenty)


def _percent(share: float) -> float:
    return 100 * min(max(share, 0.0), 1.0)
