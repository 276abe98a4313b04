# SPDX-License-Identifier: Apache-2.0
"""What a cluster must fulfil to be chosen: functions from a candidate to the reason why it does not fit, or None.

Unknown is not true: a candidate passes only on what is known of it. Where nothing is asked for (no latency limit, no
CPU wanted), there is nothing to know, and an unknown value passes.
"""

import math
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from relocate.targets.contract import Candidate, SelectionRequest

Filter = Callable[[Candidate], str | None]


class Area(NamedTuple):
    """Where the UE is: its cell, and the zones of the candidates that list this cell."""

    cell: str | None
    zones: frozenset[str]

    @classmethod
    def of(cls, request: SelectionRequest) -> "Area":
        """The area that `request` asks for."""
        near = [found for found in request.candidates if request.cell is not None and request.cell in found.cells]
        return cls(request.cell, frozenset(found.zone for found in near if found.zone is not None))


def staying(request: SelectionRequest) -> tuple[Filter, ...]:
    """What any cluster must fulfil to serve this application, the one where it runs now included."""
    wanted = request.requirements
    area = Area.of(request)
    return (
        answers,
        not_cordoned,
        lambda found: labelled(found, wanted.labels),
        lambda found: serves(found, area),
        lambda found: near_enough(found, wanted.max_latency_ms),
    )


def moving(request: SelectionRequest, backoff: timedelta) -> tuple[Filter, ...]:
    """What a cluster must fulfil to become the target; the current one already has its CPU and memory."""
    wanted = request.requirements
    return (
        lambda found: not_source(found, request.source),
        *staying(request),
        lambda found: enough("free CPU", found.cpu_free_millicores, wanted.cpu_millicores, "millicores"),
        lambda found: enough("free memory", found.memory_free_mib, wanted.memory_mib, "MiB"),
        lambda found: not_failing(found, request, backoff),
    )


def reasons(candidate: Candidate, filters: tuple[Filter, ...]) -> tuple[str, ...]:
    """Every reason why `candidate` does not fit, in the filters' order."""
    return tuple(reason for each in filters if (reason := each(candidate)) is not None)


def not_source(candidate: Candidate, source: str | None) -> str | None:
    """A move leads somewhere else."""
    return "the application runs here now" if candidate.cluster == source else None


def answers(candidate: Candidate) -> str | None:
    """The cluster's driver answers now."""
    if candidate.ready is None:
        return "whether it answers is unknown"
    return None if candidate.ready else "it does not answer"


def not_cordoned(candidate: Candidate) -> str | None:
    """A cordoned cluster takes nothing new, and what it has should leave."""
    return "it is cordoned" if candidate.cordoned else None


def labelled(candidate: Candidate, wanted: dict[str, str]) -> str | None:
    """Every wanted label stands with the wanted value."""
    wrong = [f"{name}={value}" for name, value in sorted(wanted.items()) if candidate.labels.get(name) != value]
    return f"it lacks the label {', '.join(wrong)}" if wrong else None


def serves(candidate: Candidate, area: Area) -> str | None:
    """The cluster is near to the UE's cell, or in the zone of one that is.

    A cluster that lists no cells is judged by its zone, where the zone of the cell is known; one that says neither
    serves every cell.
    """
    if area.cell is None or area.cell in candidate.cells or candidate.zone in area.zones:
        return None
    if not candidate.cells and (candidate.zone is None or not area.zones):
        return None
    return f"it serves neither cell {area.cell} nor its zone"


def near_enough(candidate: Candidate, limit_ms: float | None) -> str | None:
    """The round trip from the UE's cell is at most the limit."""
    if limit_ms is None:
        return None
    latency = known(candidate.latency_ms)
    if latency is None:
        return f"its latency is unknown, and at most {limit_ms:g} ms are allowed"
    return None if latency <= limit_ms else f"its latency is {latency:g} ms, and at most {limit_ms:g} ms are allowed"


def enough(what: str, free: int | None, wanted: int, unit: str) -> str | None:
    """At least `wanted` is free; asking for nothing is always fulfilled."""
    if wanted == 0 or (free is not None and free >= wanted):
        return None
    has = f"{what} is unknown" if free is None else f"{what} is {free} {unit}"
    return f"its {has}, and {wanted} {unit} are needed"


def not_failing(candidate: Candidate, request: SelectionRequest, backoff: timedelta) -> str | None:
    """No relocation to it failed within `backoff`."""
    if candidate.failed_at is None:
        return None
    ago = request.now - candidate.failed_at
    if ago >= backoff:
        return None
    seconds = max(ago.total_seconds(), 0)
    return f"a relocation to it failed {seconds:.0f} s ago; it is left alone for {backoff.total_seconds():.0f} s"


def known(value: float | None) -> float | None:
    """A measured value, or None if it is unknown or no measurement could have given it."""
    return value if value is not None and math.isfinite(value) and value >= 0 else None
