# SPDX-License-Identifier: Apache-2.0
"""What the prober saw, second by second, over all gateway instances: the page's chart where there is no traffic feed."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.service import Identity, TheService
from relocate.prober.histogram import added
from relocate.prober.records import Second, SideCount, sides_added

router = APIRouter(tags=["evidence"])

UNANSWERED = "none"
"""Stands for the side of requests that no side answered, as in the traffic feed."""


class SideSecond(BaseModel):
    """What one side answered in one second."""

    right: int
    p50_ms: float | None
    p99_ms: float | None


class WatchedSecond(BaseModel):
    """One second, in the form of the traffic feed's lines."""

    at: int = Field(description="End of the second, in seconds since 1970.")
    sent: int
    right: int
    wrong: int
    lost: int = Field(description="Broken, too late, or 5xx.")
    p50_ms: float | None
    p99_ms: float | None
    max_gap_ms: float = Field(description="Longest time without a right answer at any gateway instance.")
    clusters: dict[str, SideSecond]


@router.get("/v1/relocations/{identity}/watched")
async def watched(
    identity: Identity,
    service: TheService,
    since: Annotated[int, Query(ge=0, lt=2**31, description="From this second (since 1970) on.")] = 0,
) -> list[WatchedSecond]:
    """The prober's seconds, summed over routes and gateway instances. These are samples, not all of the traffic."""
    await asyncio.to_thread(service.database.relocations.get, identity)
    rows = await asyncio.to_thread(service.database.watched.seconds, identity, since=since)
    grouped: dict[int, list[Second]] = {}
    for _, _, second, body in rows:
        grouped.setdefault(second, []).append(Second.model_validate(body))
    return [_summed(second, records) for second, records in sorted(grouped.items())]


def _summed(second: int, records: list[Second]) -> WatchedSecond:
    sides = sides_added(record.by_side for record in records)
    latency = added(side.histogram for side in sides.values())
    return WatchedSecond(
        at=second + 1,
        sent=sum(record.finished for record in records),
        right=sum(record.right for record in records),
        wrong=sum(record.wrong for record in records),
        lost=sum(record.failed for record in records),
        p50_ms=latency.quantile(0.5),
        p99_ms=latency.quantile(0.99),
        max_gap_ms=max(record.max_gap_ms for record in records),
        clusters={name or UNANSWERED: _side(count) for name, count in sides.items()},
    )


def _side(count: SideCount) -> SideSecond:
    histogram = count.histogram
    return SideSecond(right=count.count - count.errors, p50_ms=histogram.quantile(0.5), p99_ms=histogram.quantile(0.99))
