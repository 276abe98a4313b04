# SPDX-License-Identifier: Apache-2.0
"""A worker for workflows of somebody's own: they run there, and what they order is done by the service's workers."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from relocate import logs
from relocate.settings import Settings
from relocate.temporal.connection import Connection
from relocate.temporal.sandbox import sandbox


async def work(
    name: str,
    task_queue: str,
    workflows: Sequence[type],
    activities: Sequence[Callable[..., Any]] = (),
) -> None:
    """Work until SIGTERM or SIGINT. Temporal is found, and payloads are encrypted, as the service's own settings say.

    Args:
        name: in logs.
        task_queue: where the workflows wait.
        workflows: classes; relocations derive from `Relocation`, what a workflow client starts from `Invoked`.
        activities: of the workflows' own.

    Raises:
        EngineUnavailable: Temporal did not come up.
        OSError: a certificate or key cannot be read.
    """
    settings = Settings()
    logs.configure(name, settings.log_level)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    connection = Connection(settings)
    async with AsyncExitStack() as stack:
        worker = Worker(
            await connection.open_at_boot(),
            task_queue=task_queue,
            workflows=workflows,
            activities=activities,
            workflow_runner=sandbox(),
        )
        await stack.enter_async_context(worker)

        def use(client: Client) -> None:
            worker.client = client

        await stack.enter_async_context(connection.followed(use))
        await stop.wait()
