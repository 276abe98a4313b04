# SPDX-License-Identifier: Apache-2.0
"""How the cost of a relocation grows: with gateways, applications at once, candidates, and history.

Everything is in memory but the database. Each figure is a ratio to the smallest size of the same run, with the exponent e
in cost ~ size^e between the two: 0 is free, 1 is linear, more is a mistake of ours.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from relocate.model.relocation import RelocationRequest
from relocate.store.figures import Figures
from tests.bench.bench import Bench
from tests.bench.fleet import Fleet, fleet
from tests.bench.history import fill
from tests.bench.rows import Row, unmeasured
from tests.workflow.service import Service, running_service

NAME = "growth"
GATEWAYS = {1: 3, 10: 3, 100: 1}
"""How many, and how many relocations are counted."""
APPLICATIONS = (1, 100)
CANDIDATES = (10, 1000)
HISTORY = (0, 10_000)
ROUNDS = 3
"""Relocations for each figure, after one that is not counted."""
DATABASE = "relocate.db"
"""The file that a running service keeps in its folder."""
AT_MOST_SECONDS = 60.0
"""For all relocations at once; the share of those that end is what is told."""
ASKED = 5
"""How often each question is asked for its figure."""

Question = Callable[[], Any]


class Cost(NamedTuple):
    """Of one relocation."""

    time_ms: float
    """From the request to its end."""
    cpu_ms: float
    """Of this process, which is workers, gateways and clusters."""


async def measure(bench: Bench) -> Sequence[Row]:
    """Rows for each kind of growth; none is judged."""
    bench.tell(
        f"growth: gateways {tuple(GATEWAYS)}, applications {APPLICATIONS}, candidates {CANDIDATES}, history {HISTORY}"
    )
    rows: list[Row] = []
    for what, part in PARTS.items():
        bench.tell(f"growth: {what}")
        try:
            rows += await part(bench, bench.subfolder(f"{NAME}-{what}"))
        except (RuntimeError, TimeoutError) as error:
            rows.append(unmeasured(NAME, f"growth with {what}", error))
    return rows


async def _gateways(bench: Bench, folder: Path) -> Sequence[Row]:
    costs = {}
    async with running_service(await bench.client(), folder, cached_workflows=1000) as service:
        for size, rounds in GATEWAYS.items():
            async with fleet(service, gateways=size) as made:
                costs[size] = await _moved(partial(made.move, made.applications[0]), rounds)
    return _both("gateways", costs)


async def _applications(bench: Bench, folder: Path) -> Sequence[Row]:
    """Seconds by relocation when so many run at once; larger numbers come from `concurrent` where they were measured."""
    costs = {size: 1000 * found for size, found in bench.seconds_each.items()}
    async with running_service(await bench.client(), folder, cached_workflows=1000) as service:
        for size in APPLICATIONS:
            async with fleet(service, applications=size) as made:
                await made.move(made.applications[0])
                seconds, views = await made.move_all(at_most=AT_MOST_SECONDS)
                costs[size] = 1000 * seconds / max(1, len(views))
    return grown("applications at once", "each relocation's share of the time", dict(sorted(costs.items())))


async def _candidates(bench: Bench, folder: Path) -> Sequence[Row]:
    moves: dict[int, Cost] = {}
    asked: dict[int, float] = {}
    async with running_service(await bench.client(), folder, cached_workflows=1000) as service:
        for size in CANDIDATES:
            async with fleet(service, clusters=size + 1) as made:
                request = RelocationRequest(application=made.applications[0], candidates=tuple(made.clusters[1:]))
                asked[size] = await _asked(partial(service.dispatch.dry_run, request))
                moves[size] = await _moved(partial(_chosen, service, made))
    return [*_both("candidates", moves), *grown("candidates", "a dry run", asked)]


async def _chosen(service: Service, made: Fleet) -> None:
    """Move to whichever cluster is chosen, the present one left out."""
    placed = service.database.placements.active(made.applications[0])
    here = placed.cluster if placed is not None else ""
    await made.move(made.applications[0], candidates=[cluster for cluster in made.clusters if cluster != here])


async def _history(bench: Bench, folder: Path) -> Sequence[Row]:
    """Relocations, and what the API and its sweeper ask, before and after the database is filled."""
    moves: dict[int, Cost] = {}
    asked: dict[str, dict[int, float]] = {}
    client = await bench.client()
    for size in HISTORY:
        if size:
            await asyncio.to_thread(fill, folder / DATABASE, size)
        async with running_service(client, folder, cached_workflows=1000) as service, fleet(service) as made:
            moves[size or 1] = await _moved(partial(made.move, made.applications[0]))
            for what, question in _questions(service).items():
                asked.setdefault(what, {})[size or 1] = await _asked(partial(asyncio.to_thread, question))
    of = "finished relocations"
    return [*_both(of, moves), *(row for what, each in asked.items() for row in grown(of, what, each))]


def _questions(service: Service) -> Mapping[str, Question]:
    relocations, figures = service.database.relocations, Figures(service.database.engine)
    newest = relocations.list(limit=1)[0]
    return {
        "a page of relocations": relocations.list,
        "a page of those that went back": lambda: relocations.list(outcome="rolled_back"),
        "what the sweeper looks for": service.database.acceptance.not_started,
        "where relocations of an application failed": lambda: relocations.failed_targets(newest.application),
        "a scrape of the metrics": lambda: (figures.by_status(), figures.finished_since(newest.finished_at)),
        "a relocation's events": lambda: relocations.events(newest.id),
        "a relocation's evidence": lambda: service.database.evidence.of(newest.id),
    }


async def _moved(move: Callable[[], Awaitable[Any]], rounds: int = ROUNDS) -> Cost:
    """Medians of so many relocations, after one that is not counted."""
    taken = []
    for _ in range(rounds + 1):
        began, used = time.perf_counter(), time.process_time()
        await move()
        taken.append(Cost(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - used)))
    return Cost(median(cost.time_ms for cost in taken[1:]), median(cost.cpu_ms for cost in taken[1:]))


def _both(of: str, costs: Mapping[int, Cost]) -> Sequence[Row]:
    return [
        *grown(of, "a relocation", {size: cost.time_ms for size, cost in costs.items()}),
        *grown(of, "CPU of a relocation, Temporal's apart", {size: cost.cpu_ms for size, cost in costs.items()}),
    ]


async def _asked(question: Callable[[], Awaitable[Any]]) -> float:
    taken = []
    for _ in range(ASKED + 1):
        began = time.perf_counter()
        await question()
        taken.append(1000 * (time.perf_counter() - began))
    return median(taken[1:])


def grown(of: str, what: str, costs: Mapping[int, float]) -> Sequence[Row]:
    """One row for each size but the smallest; costs in milliseconds by size, smallest first."""
    (smallest, least), *larger = costs.items()
    return [
        Row(
            name=NAME,
            what=f"{what}, {size:,} {of}",
            value=cost,
            unit="ms",
            against=f"{smallest:,}",
            reference=least,
            ratio=cost / least,
            note=f"exponent {math.log(cost / least) / math.log(size / smallest):.2f}",
        )
        for size, cost in larger
    ]


PARTS: Mapping[str, Callable[[Bench, Path], Awaitable[Sequence[Row]]]] = {
    "gateways": _gateways,
    "candidates": _candidates,
    "applications": _applications,
    "history": _history,
}
