# SPDX-License-Identifier: Apache-2.0
"""A whole relocation on in-memory parts, every window 0, against a bare workflow on the same Temporal server.

Clusters and gateway are in this process's memory, the database is SQLite on disk, workers and client are here: what is
left is the engine, our decisions, our records, and whatever still waits. Both run in turns, one at a time.
"""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from statistics import median
from uuid import uuid4

from temporalio.client import Client

from relocate.model.relocation import Outcome, View
from steering.store.engine import engine
from tests.bench import bare_workflow, waterfall
from tests.bench.bench import Bench
from tests.bench.rows import Reach, Row, Times, timed
from tests.workflow.service import Service, running_service
from tests.workflow.world import World

NAME = "relocation"
ROUNDS, WARM_UP = 8, 2
PATIENT = {"min_samples": 1, "max_p99_slack_seconds": 1.0}
"""One process is client, gateway, application and workers here: what its latencies say of B is noise."""
NO_WINDOW = {"period_seconds": 0.01, "timeout_seconds": 0.5, "stable_seconds": 0}
"""Gate and last look open at their first good round; another one would follow after the shortest period there is."""
SLOWEST = 5
"""How many phases the note names."""


async def measure(bench: Bench) -> Sequence[Row]:
    """The row, with the phases in which the time goes."""
    bench.tell("relocation: whole relocations on parts in memory, and bare workflows, in turns")
    folder = bench.subfolder(NAME)
    client = await bench.client()
    async with (
        running_service(client, folder, cached_workflows=1000) as service,
        bare_workflow.worker(client, engine(f"sqlite:///{folder / 'bare.db'}")),
        _world(service) as world,
    ):
        ours, bare, views = [], [], []
        for number in range(ROUNDS + WARM_UP):
            view, taken = await _relocate(world)
            other = await _bare(client)
            if number >= WARM_UP:
                ours.append(taken)
                bare.append(other)
                views.append(view)
    bench.views[waterfall.MEMORY] = views
    return [_row(Times(ours), Times(bare), views)]


def _row(ours: Times, bare: Times, views: Sequence[View]) -> Row:
    what = "a whole relocation on in-memory parts, all windows 0, p50"
    against = f"a bare workflow of {bare_workflow.STEPS} activities that each commit one row"
    phases = sorted(_phases(views).items(), key=lambda item: -item[1])[:SLOWEST]
    note = "longest phases: " + ", ".join(f"{name} {taken:.0f} ms" for name, taken in phases)
    return timed(NAME, what, ours, bare, against=against, reach=Reach(1.5), note=note)


def _phases(views: Sequence[View]) -> Mapping[str, float]:
    """Median milliseconds by phase."""
    found: dict[str, list[float]] = defaultdict(list)
    for view in views:
        for step in view.steps:
            if step.started_at and step.finished_at:
                found[step.phase].append(1000 * (step.finished_at - step.started_at).total_seconds())
    return {name: median(each) for name, each in found.items()}


@asynccontextmanager
async def _world(service: Service) -> AsyncIterator[World]:
    world = World(service)
    world.readiness = NO_WINDOW
    try:
        await world.begin()
        yield world
    finally:
        world.runs.clear()  # a story would replay each history; here they have been measured, and that is all
        await world.close()


async def _relocate(world: World) -> tuple[View, float]:
    """To whichever of `a` and `b` is free; milliseconds from the request until the workflow is closed."""
    target = world.b if world.a in world.instances() else world.a
    began = time.perf_counter()
    run = await world.relocate(target=target, options={"judging": PATIENT})
    await run.handle.result()
    taken = 1000 * (time.perf_counter() - began)
    if run.view.outcome is not Outcome.COMPLETED:
        raise RuntimeError(f"a relocation did not complete: {run.view.sentence}")
    return run.view, taken


async def _bare(client: Client) -> float:
    """Milliseconds from the request until it is closed."""
    name, began = uuid4().hex, time.perf_counter()
    await client.execute_workflow(bare_workflow.Bare.run, name, id=f"bare-{name}", task_queue=bare_workflow.QUEUE)
    return 1000 * (time.perf_counter() - began)
