# SPDX-License-Identifier: Apache-2.0
"""A Temporal dev server, and the real workers on it; only what stories bring along is theirs."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from relocate.clusters.contract import ClusterDriver
from relocate.demo.system import TEMPORAL_TUNING
from relocate.emco.clients import MIGRATION_TASK_QUEUE, RELOCATE_TASK_QUEUE
from relocate.parts import Parts
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.migrate import prepare
from relocate.temporal.dispatch import TemporalDispatch
from relocate.temporal.worker import workers
from steering.contract import SteeringAdapter


class StoryParts(Parts):
    """Real parts, with adapters that stories have brought along."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Args: as `Parts`."""
        super().__init__(settings, database)
        self.brought: dict[str, SteeringAdapter] = {}
        self.slow: dict[str, asyncio.Event] = {}
        """Clusters whose driver comes when the event is set."""

    async def adapter(self, gateway: str) -> SteeringAdapter:
        """The story's adapter."""
        return self.brought[gateway]

    async def driver(self, cluster: str) -> ClusterDriver:
        """As `Parts`, when the cluster is not slow."""
        if cluster in self.slow:
            await self.slow[cluster].wait()
        return await super().driver(cluster)


@dataclass
class Service:
    """Workers that run, and the way in."""

    client: Client
    parts: StoryParts
    dispatch: TemporalDispatch

    @property
    def database(self) -> Database:
        """Where everything is kept."""
        return self.parts.database


@asynccontextmanager
async def dev_server(port: int | None = None) -> AsyncIterator[Client]:
    """A client of a dev server, tuned as the demo's, on any free port if none is given."""
    arguments = [part for value in TEMPORAL_TUNING for part in ("--dynamic-config-value", value)]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
        dev_server_extra_args=arguments,
        port=port,
        data_converter=pydantic_data_converter,
    ) as environment:
        yield environment.client


@asynccontextmanager
async def running_service(client: Client, folder: Path, *, cached_workflows: int) -> AsyncIterator[Service]:
    """The real workers on a fresh SQLite database."""
    url = f"sqlite:///{folder / 'relocate.db'}"
    prepare(url)
    name = f"cache-{cached_workflows}"
    settings = Settings(
        database_url=url,
        task_queue=name,
        migrate_task_queue=f"{name}-{MIGRATION_TASK_QUEUE}",
        relocate_task_queue=f"{name}-{RELOCATE_TASK_QUEUE}",
    )
    parts = StoryParts(settings, Database.open(url))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.close)
        for worker in workers(client, parts, cached_workflows=cached_workflows):
            await stack.enter_async_context(worker)
        yield Service(client, parts, TemporalDispatch(client, parts))
