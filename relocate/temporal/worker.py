# SPDX-License-Identifier: Apache-2.0
"""The worker: one process, three task queues, so that long watches never starve an undo, nor probers a look."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from relocate.activities.calls import Queue
from relocate.activities.checking import Checking
from relocate.activities.draining import Draining
from relocate.activities.instances import Instances
from relocate.activities.judging import JudgingActivity
from relocate.activities.readying import Readying
from relocate.activities.record import Record
from relocate.activities.selection import Selection
from relocate.activities.steering import Steering
from relocate.activities.transferring import Transferring
from relocate.activities.watching import Watching
from relocate.parts import Parts
from relocate.settings import Settings
from relocate.temporal.connection import connect_at_boot
from relocate.temporal.sandbox import sandbox
from relocate.workflow.placement import Place
from relocate.workflow.relocation import Relocate

WATCHES = 1000
"""Long looks at once in one worker: one for each relocation."""
PROBERS = 10_000
"""Probers at once in one worker: never the limit, as a relocation that nobody watches is held."""
CHANGES = 100
STICKY = timedelta(seconds=2)
"""How long a run waits for the worker that has it in memory before any other may take it: after a SIGKILL every run
waits that long. Temporal's default is 10 s."""
GRACE = timedelta(seconds=5)
"""Time for activities to end when the worker is asked to; what is not done is done by another worker."""
HEARD_WITHIN = timedelta(seconds=1)
"""A cancel reaches an activity with a heartbeat; the SDK would hold heartbeats back for 0.8 of their time-out."""

Activity = Callable[..., Any]


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    client = await connect_at_boot()
    parts = Parts.open(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with AsyncExitStack() as stack:
            for worker in workers(client, parts):
                await stack.enter_async_context(worker)
            await stop.wait()
    finally:
        await parts.close()


def workers(client: Client, parts: Parts, *, cached_workflows: int = 1000) -> Sequence[Worker]:
    """The workers of one process, one for each queue. The workflows run on the queue for changes, with their local activities."""
    prefix = parts.settings.task_queue
    changing = Worker(
        client,
        task_queue=f"{prefix}-{Queue.CHANGE}",
        workflows=[Relocate, Place],
        activities=changes(parts),
        workflow_runner=sandbox(),
        max_cached_workflows=cached_workflows,
        sticky_queue_schedule_to_start_timeout=STICKY,
        max_concurrent_activities=CHANGES,
        max_heartbeat_throttle_interval=HEARD_WITHIN,
        graceful_shutdown_timeout=GRACE,
    )
    watching = Worker(
        client,
        task_queue=f"{prefix}-{Queue.WATCH}",
        activities=watches(parts),
        max_concurrent_activities=WATCHES,
        max_heartbeat_throttle_interval=HEARD_WITHIN,
        graceful_shutdown_timeout=GRACE,
    )
    probing = Worker(
        client,
        task_queue=f"{prefix}-{Queue.PROBE}",
        activities=[Watching(parts).watch],
        max_concurrent_activities=PROBERS,
        max_heartbeat_throttle_interval=HEARD_WITHIN,
        graceful_shutdown_timeout=GRACE,
    )
    return [changing, watching, probing]


def changes(parts: Parts) -> Sequence[Activity]:
    """Activities that change something, and short questions."""
    instances = Instances(parts)
    return [
        Selection(parts).select,
        instances.deploy,
        instances.remove,
        instances.secure,
        instances.activate,
        Steering(parts).steer,
        Readying(parts).health,
        Checking(parts).check,
        Transferring(parts).transfer,
        Record(parts.database).record,
    ]


def watches(parts: Parts) -> Sequence[Activity]:
    """Activities that look, for a long time."""
    return [
        Instances(parts).await_running,
        Readying(parts).gate,
        JudgingActivity(parts).judge,
        Draining(parts).drain,
    ]
