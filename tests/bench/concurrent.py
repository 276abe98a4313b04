# SPDX-License-Identifier: Apache-2.0
"""Relocations per second when many run at once on parts in memory, against as many bare workflows at once.

As the measurement `relocation`, but for the number: one process is client, gateways, clusters and workers, and both kinds
run on one Temporal server, one after the other.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from temporalio.client import Client

from relocate.model.relocation import View
from steering.store.engine import engine
from tests.bench import bare_workflow
from tests.bench.bench import Bench
from tests.bench.fleet import fleet
from tests.bench.rows import Reach, Row, compared
from tests.workflow.service import Service, running_service

NAME, MANY_NAME = "concurrent", "thousand"
WARM_UP = 5
COUNT, MANY = 200, 1000
AT_MOST_SECONDS = {WARM_UP: 60.0, COUNT: 90.0, MANY: 400.0}
"""What has not ended by then counts as not done."""


async def measure(bench: Bench) -> Sequence[Row]:
    """The row for 200 at once."""
    return [await _row(bench, NAME, COUNT, Reach(0.6, at_least=True))]


async def measure_many(bench: Bench) -> Sequence[Row]:
    """The row for 1,000 at once: reported, not judged."""
    return [await _row(bench, MANY_NAME, MANY, None)]


async def _row(bench: Bench, name: str, number: int, reach: Reach | None) -> Row:
    bench.tell(f"{name}: {number} relocations at once on parts in memory, then {number} bare workflows")
    async with _running(bench, name) as (service, client):
        await _ours(service, WARM_UP)
        await _bare(client, WARM_UP)
        seconds, views = await _ours(service, number)
        bare = await _bare(client, number)
    if not views:
        raise RuntimeError(f"of {number} relocations at once none ended in {seconds:.0f} s")
    bench.seconds_each[number] = seconds / len(views)
    return compared(
        name,
        f"relocations per second, {number} at once on in-memory parts",
        value=len(views) / seconds,
        reference=number / bare,
        unit="/s",
        against=f"a bare workflow of {bare_workflow.STEPS} activities that each commit one row, {number} at once",
        reach=reach,
    ).model_copy(
        update={"note": f"{len(views)} completed in {seconds:.1f} s, the first after {_first_end(views):.1f} s"}
    )


@asynccontextmanager
async def _running(bench: Bench, name: str) -> AsyncIterator[tuple[Service, Client]]:
    folder, client = bench.subfolder(name), await bench.client()
    async with (
        running_service(client, folder, cached_workflows=1000) as service,
        bare_workflow.worker(client, engine(f"sqlite:///{folder / 'bare.db'}")),
    ):
        yield service, client


async def _ours(service: Service, number: int) -> tuple[float, Sequence[View]]:
    async with fleet(service, applications=number) as made:
        return await made.move_all(at_most=AT_MOST_SECONDS[number])


async def _bare(client: Client, number: int) -> float:
    """Seconds until the last of so many has ended."""
    run, queue = bare_workflow.Bare.run, bare_workflow.QUEUE
    began = time.perf_counter()
    names = [f"bare-{uuid4().hex}" for _ in range(number)]
    await asyncio.gather(*(client.execute_workflow(run, name, id=name, task_queue=queue) for name in names))
    return time.perf_counter() - began


def _first_end(views: Sequence[View]) -> float:
    """Seconds from the first acceptance to the first end."""
    began = min(view.created_at for view in views)
    return min((view.finished_at - began).total_seconds() for view in views if view.finished_at is not None)
