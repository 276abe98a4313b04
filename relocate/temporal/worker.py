# SPDX-License-Identifier: Apache-2.0
"""The worker: one process, three task queues, so that long watches never starve an undo, nor probers a look."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Worker

from relocate import logs
from relocate.activities.accepting import Accepting
from relocate.activities.adopting import Adopting
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
from relocate.health import create_health, listening, why_no_database, why_no_engine
from relocate.metrics.process import PROCESS, Together
from relocate.metrics.temporal import TemporalMetrics, measuring
from relocate.metrics.worker import WORKER
from relocate.parts import Parts
from relocate.settings import Settings
from relocate.temporal.builds import pinning
from relocate.temporal.connection import Connection, reachable, registered
from relocate.temporal.sandbox import sandbox
from relocate.tracing import traced
from relocate.workflow.adoption import Adopt, Release
from relocate.workflow.emco import EmcoMigrate, EmcoRelocate, MigrateByQueue, RelocateByQueue
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
    """Work until SIGTERM or SIGINT.

    Raises:
        EngineUnavailable: Temporal did not come up.
        OSError: the metrics' address cannot be bound, or a certificate or key cannot be read.
        InvalidRequest: what traces need is not installed, or the keys for payloads make no sense.
    """
    logs.configure("worker", settings.log_level)
    parts, clients = Parts.open(settings), list[Client]()
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.close)
        runtime = await stack.enter_async_context(_watched(settings, parts, clients))
        interceptors = stack.enter_context(traced("worker", wanted=settings.tracing))
        connection = Connection(settings, runtime, interceptors)
        clients.append(await connection.open_at_boot())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        at_work = workers(clients[0], parts)
        for worker in at_work:
            await stack.enter_async_context(worker)

        def use(client: Client) -> None:
            clients[0] = client
            for worker in at_work:
                worker.client = client

        await stack.enter_async_context(connection.followed(use))
        await stop.wait()


@asynccontextmanager
async def _watched(settings: Settings, parts: Parts, clients: Sequence[Client]) -> AsyncIterator[Runtime]:
    """Health and metrics while the block runs, if they are asked for; the SDK's runtime, which measures then."""
    if settings.worker_metrics_port is None:
        yield Runtime(telemetry=TelemetryConfig(logging=logs.of_temporal()))
        return

    async def why_not_ready() -> Sequence[str]:
        engine = why_no_engine(reachable(clients[0])) if clients else _not_connected()
        found = await asyncio.gather(why_no_database(parts.database), engine)
        return [reason for reason in found if reason]

    measured = TemporalMetrics()
    async with measuring(measured, logs.of_temporal()) as runtime:
        app = create_health(why_not_ready, Together(WORKER, measured, PROCESS))
        async with listening(app, settings.metrics_host, settings.worker_metrics_port):
            yield runtime


async def _not_connected() -> str:
    return "Temporal has not been reached yet."


def workers(client: Client, parts: Parts, *, cached_workflows: int = 1000) -> Sequence[Worker]:
    """The workers of one process, one for each queue. The workflows run on the queue for changes, with their local activities."""
    prefix, build = parts.settings.task_queue, pinning(parts.settings)
    changing = Worker(
        client,
        task_queue=f"{prefix}-{Queue.CHANGE}",
        workflows=[Relocate, Place, Adopt, Release],
        activities=[*changes(parts), Accepting(parts, lambda: registered(client)).accept],
        workflow_runner=sandbox(),
        max_cached_workflows=cached_workflows,
        sticky_queue_schedule_to_start_timeout=STICKY,
        max_concurrent_activities=CHANGES,
        max_heartbeat_throttle_interval=HEARD_WITHIN,
        graceful_shutdown_timeout=GRACE,
        deployment_config=build,
    )
    watching = Worker(
        client,
        task_queue=f"{prefix}-{Queue.WATCH}",
        activities=watches(parts),
        max_concurrent_activities=WATCHES,
        max_heartbeat_throttle_interval=HEARD_WITHIN,
        graceful_shutdown_timeout=GRACE,
        deployment_config=build,
    )
    probing = Worker(
        client,
        task_queue=f"{prefix}-{Queue.PROBE}",
        activities=[Watching(parts).watch],
        max_concurrent_activities=PROBERS,
        max_heartbeat_throttle_interval=HEARD_WITHIN,
        graceful_shutdown_timeout=GRACE,
        deployment_config=build,
    )
    return [changing, watching, probing, *_of_emco(client, parts, cached_workflows)]


def _of_emco(client: Client, parts: Parts, cached_workflows: int) -> Sequence[Worker]:
    """Those that stand in for EMCO's, where these would wait."""
    settings = parts.settings
    accepting = Accepting(parts, lambda: registered(client))
    queues: Mapping[str, Sequence[type]] = {
        settings.migrate_task_queue: [EmcoMigrate, MigrateByQueue],
        settings.relocate_task_queue: [EmcoRelocate, RelocateByQueue],
    }
    return [
        Worker(
            client,
            task_queue=queue,
            workflows=workflows,
            activities=[accepting.find, accepting.accept],
            workflow_runner=sandbox(),
            max_cached_workflows=cached_workflows,
            sticky_queue_schedule_to_start_timeout=STICKY,
            graceful_shutdown_timeout=GRACE,
            deployment_config=pinning(settings),
        )
        for queue, workflows in queues.items()
        if queue
    ]


def changes(parts: Parts) -> Sequence[Activity]:
    """Activities that change something, and short questions."""
    instances, adopting = Instances(parts), Adopting(parts)
    return [
        Selection(parts).select,
        instances.deploy,
        instances.remove,
        instances.secure,
        instances.activate,
        adopting.adopt,
        adopting.claim,
        adopting.free,
        Steering(parts).steer,
        Readying(parts).health,
        Checking(parts).check,
        Transferring(parts).transfer,
        Record(parts.database).record,
    ]


def watches(parts: Parts) -> Sequence[Activity]:
    """Activities that look, for a long time."""
    judging = JudgingActivity(parts)
    return [
        Instances(parts).await_running,
        Readying(parts).gate,
        judging.baseline,
        judging.judge,
        Draining(parts).drain,
    ]
