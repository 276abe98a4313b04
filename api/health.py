# SPDX-License-Identifier: Apache-2.0
"""The API's second listener: alive, ready, metrics (`relocate.health`)."""

import asyncio
from collections.abc import Sequence

from prometheus_client.registry import Collector
from starlette.applications import Starlette

from relocate import health
from relocate.dispatch import Dispatch
from relocate.store.database import Database


def create_health(database: Database, dispatch: Dispatch, metrics: Collector) -> Starlette:
    """The app of the second listener."""

    async def why_not_ready() -> Sequence[str]:
        found = await asyncio.gather(health.why_no_database(database), health.why_no_engine(dispatch.reachable()))
        return [reason for reason in found if reason]

    return health.create_health(why_not_ready, metrics)
