# SPDX-License-Identifier: Apache-2.0
"""How every activity goes: it heartbeats, and keeps what its order brings along from the journal before all else.

What was kept is logged: so the workers' logs tell each relocation's story, each sentence once. Logs and spans say for which
relocation they are.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from opentelemetry import trace

from relocate.activities.heartbeat import heartbeats
from relocate.activities.orders import Order
from relocate.logs import concerning
from relocate.model.relocation import View
from relocate.model.told import Told
from relocate.store.database import Database

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def changing(database: Database, order: Order) -> AsyncIterator[None]:
    """Around what changes something: the application's lease moves to the order's fence, and what was told is kept.

    Raises:
        StaleFence: a newer step, undo or lease has been here; nothing may be changed.
    """
    _introduce(order)
    async with heartbeats():
        name, fence = order.application.name, order.fence
        log_told(await asyncio.to_thread(database.leases.advance, name, fence, order.told))
        yield


@asynccontextmanager
async def looking(database: Database, order: Order) -> AsyncIterator[None]:
    """Around what only looks, which takes no turn: what was told is kept."""
    _introduce(order)
    async with heartbeats():
        if order.told:
            log_told(await asyncio.to_thread(database.relocations.keep, order.told))
        yield


def log_told(told: Sequence[Told]) -> None:
    """What was told, a line for each sentence and status."""
    before: View | None = None
    for view in (one.view for one in told):
        if before is not None and (before.sentence, before.status) == (view.sentence, view.status):
            continue
        before = view
        _log.info(
            view.sentence,
            relocation=view.id,
            application=view.application,
            status=view.status.value,
            revision=view.revision,
            phase=view.phase.value if view.phase else None,
            outcome=view.outcome.value if view.outcome else None,
        )


def _introduce(order: Order) -> None:
    concerning(order.relocation, application=order.application.name, phase=order.phase.value)
    span = trace.get_current_span()
    span.set_attribute("relocate.relocation", order.relocation)
    span.set_attribute("relocate.application", order.application.name)
    span.set_attribute("relocate.phase", order.phase)
