# SPDX-License-Identifier: Apache-2.0
"""What a relocation is compared with: a workflow of ten activities, each of which commits one row."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, insert

    from relocate.model.values import Payload
    from steering.store.engine import writing

STEPS = 10
QUEUE = "bench-bare"

METADATA = MetaData()
ROWS = Table(
    "bench_rows",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run", String(64), nullable=False),
    Column("step", Integer, nullable=False),
)


class Step(Payload):
    """One step of one run."""

    run: str
    step: int


@workflow.defn(name="Bare")
class Bare:
    """Ten steps, one after the other."""

    @workflow.run
    async def run(self, name: str) -> None:
        """Take every step."""
        for number in range(STEPS):
            await workflow.execute_activity(
                "bench_commit", Step(run=name, step=number), start_to_close_timeout=timedelta(seconds=10)
            )


def committing(engine: Engine) -> Callable[..., Any]:
    """The activity, on this database, opened as the service opens its own."""

    def keep(step: Step) -> None:
        with writing(engine) as connection:
            connection.execute(insert(ROWS).values(run=step.run, step=step.step))

    @activity.defn(name="bench_commit")
    async def commit(step: Step) -> None:
        await asyncio.to_thread(keep, step)

    return commit


def worker(client: Client, engine: Engine) -> Worker:
    """A worker beside the service's, in the same process."""
    METADATA.create_all(engine)
    return Worker(client, task_queue=QUEUE, workflows=[Bare], activities=[committing(engine)])
