# SPDX-License-Identifier: Apache-2.0
"""Whoever writes a route wakes the control planes, whichever way its database has for that."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import Engine, text

from steering.errors import Conflict
from steering.model import Endpoint
from steering.store.gateways import GatewayStore
from steering.store.routes import RouteStore
from steering.store.wakeups import wake_ups
from tests.unit.steering.documents import document, fence

HOST = "127.0.0.1"
AT_ONCE_SECONDS = 5.0
"""Far more than it takes, and on a busy machine not much."""

Wakes = Callable[[], Awaitable[None]]


@pytest.fixture
async def woken(made: Engine) -> AsyncIterator[asyncio.Event]:
    """Is set whenever somebody who listens on this database is woken."""
    event = asyncio.Event()
    async with wake_ups(made).listen(event, HOST) as address:
        GatewayStore(made).heartbeat("r1", address)
        if made.dialect.name == "postgresql":
            await _within(event)  # it listens now
        event.clear()
        yield event


async def _within(event: asyncio.Event) -> None:
    async with asyncio.timeout(AT_ONCE_SECONDS):
        await event.wait()
    event.clear()


async def test_every_write_wakes(made: Engine, woken: asyncio.Event) -> None:
    """A new route, another version, its end, and an instance that moved."""
    routes = RouteStore(made)
    await asyncio.to_thread(routes.write, "edge", document(), fence(1), None)
    await _within(woken)
    await asyncio.to_thread(routes.write, "edge", document({"a": 50, "b": 50}), fence(2), 1)
    await _within(woken)
    await asyncio.to_thread(routes.remove, "edge", "shop", fence(3), 2)
    await _within(woken)
    await asyncio.to_thread(routes.move_endpoints, "a-1", {"http": (Endpoint(host=HOST, port=1),)})
    await _within(woken)


async def test_what_is_refused_wakes_nobody(made: Engine, woken: asyncio.Event) -> None:
    """And neither does reading: what comes first afterwards is the write that follows."""
    routes = RouteStore(made)
    with pytest.raises(Conflict):
        routes.write("edge", document(), fence(1), 7)
    routes.versions()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(woken.wait(), 0.1)
    await asyncio.to_thread(routes.write, "edge", document(), fence(1), None)
    await _within(woken)


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_a_listener_that_was_cut_off_listens_again(made: Engine, woken: asyncio.Event) -> None:
    """Its connection is ended by the server: it connects anew, says to look at what it may have missed, and hears again."""
    with made.begin() as connection:
        ended = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        ).all()
    assert len(ended) == 1
    await _within(woken)
    await asyncio.to_thread(RouteStore(made).write, "edge", document(), fence(1), None)
    await _within(woken)
