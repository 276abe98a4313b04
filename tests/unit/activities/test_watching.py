# SPDX-License-Identifier: Apache-2.0
"""Whom the prober watches, with a gateway in memory that listens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.activity import ActivityCancellationDetails
from temporalio.testing import ActivityEnvironment

from relocate.activities.orders import WatchOrder
from relocate.activities.watching import Watching, seconds_between
from relocate.errors import EvidenceNotStored
from relocate.evidence.rows import chosen, instance_of, rows_of, told_by
from relocate.model.application import Application
from relocate.model.relocation import Phase
from relocate.phases import documents
from relocate.prober.records import Second, SideCount, merged
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.migrate import prepare
from steering.adapters.memory import MemoryGateway, MemorySettings
from steering.model import Backend, Endpoint, Fence
from tests.workflow.data_plane import DataPlane, ListeningAdapter
from tests.workflow.service import StoryParts

PATIENCE = 20.0
ROUTE = {
    "name": "app",
    "hosts": ["app.test"],
    "gateways": ["edge"],
    "ports": [{"name": "http"}],
    "watch": {"period_seconds": 0.1},
}
APPLICATION = Application.model_validate(
    {"name": "app", "workloads": {"memory": {}}, "routes": [ROUTE], "readiness": {"probes": [{"kind": "memory"}]}}
)
ORDER = WatchOrder(relocation="rel-1", application=APPLICATION, phase=Phase.PREPARE, fence=Fence(lease=1, sequence=1))


@pytest.fixture
async def gateway() -> AsyncIterator[tuple[MemoryGateway, ListeningAdapter]]:
    """Two instances that answer for `app` on mec-a, and the adapter that leads to them."""
    gateway = MemoryGateway.named("watched-edge", MemorySettings(instances=("edge-1", "edge-2")))
    plane = DataPlane(gateway)
    await plane.start()
    adapter = ListeningAdapter(plane)
    side = Backend(name="mec-a", instance="app-1", endpoints={"http": (Endpoint(host="127.0.0.1", port=9),)})
    document = documents.document("app", APPLICATION.routes[0], documents.only(side), "placed")
    await adapter.apply(document, fence=Fence(lease=0, sequence=1), base=None)
    yield gateway, adapter
    plane.stop()


@pytest.fixture
def parts(tmp_path: Path, gateway: tuple[MemoryGateway, ListeningAdapter]) -> StoryParts:
    """Real parts on a fresh database."""
    url = f"sqlite:///{tmp_path / 'relocate.db'}"
    prepare(url)
    parts = StoryParts(Settings(database_url=url), Database.open(url))
    parts.brought["edge"] = gateway[1]
    return parts


def _watched(parts: StoryParts) -> set[str]:
    return {vantage for _, vantage, _, _ in parts.database.watched.seconds("rel-1")}


async def _until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(so):  # noqa: ASYNC110 - the watch tells nobody
            await asyncio.sleep(0.05)


async def _watching(parts: StoryParts, meanwhile: Callable[[], Awaitable[None]]) -> None:
    environment = ActivityEnvironment()
    watch = asyncio.create_task(environment.run(Watching(parts).watch, ORDER))
    try:
        await meanwhile()
    finally:
        environment.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def test_a_gateway_instance_that_comes_later_is_watched_from_then_on(
    parts: StoryParts, gateway: tuple[MemoryGateway, ListeningAdapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was dead when the watch began is no blind spot once it serves; the others are watched all the while."""
    monkeypatch.setattr("relocate.activities.watching.LOOK_AGAIN_SECONDS", 0.1)
    gateway[0].kill("edge-2")

    async def it_comes() -> None:
        await _until(lambda: _watched(parts) == {"edge-1"})
        gateway[0].heal("edge-2")
        await _until(lambda: _watched(parts) == {"edge-1", "edge-2"})

    await _watching(parts, it_comes)
    failed = [body for _, _, _, body in parts.database.watched.seconds("rel-1") if body["failed"] or body["wrong"]]
    assert failed == []


@pytest.mark.parametrize(
    ("why", "goes_on"),
    [
        (ActivityCancellationDetails(cancel_requested=True), False),
        (ActivityCancellationDetails(not_found=True), False),
        (ActivityCancellationDetails(worker_shutdown=True), True),
    ],
    ids=["the relocation is over", "its run has ended", "its worker ends"],
)
async def test_a_watch_has_not_ended_because_its_worker_does(
    parts: StoryParts, why: ActivityCancellationDetails, goes_on: bool
) -> None:
    """Another worker has to go on with it, where an end in peace would leave the relocation without its prober."""
    environment = ActivityEnvironment()
    watch = asyncio.create_task(environment.run(Watching(parts).watch, ORDER))
    await _until(lambda: bool(_watched(parts)))
    environment.cancel(cancellation_details=why)
    await asyncio.wait([watch])
    assert watch.cancelled() is goes_on


async def test_a_watch_that_cannot_be_stored_fails_as_such(parts: StoryParts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error keeps its name, though several watches run side by side."""

    async def fails(*_: object, **__: object) -> None:
        raise EvidenceNotStored("the disk is full")

    monkeypatch.setattr("relocate.activities.watching.watch_route", fails)
    with pytest.raises(Exception, match="EvidenceNotStored: the disk is full"):
        await ActivityEnvironment().run(Watching(parts).watch, ORDER)


async def test_a_second_that_two_attempts_watched_holds_what_both_saw(
    parts: StoryParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that takes over within a second hides no loss of the one before; the same attempt counts once."""
    lost, right = _second(failed=1), _second(failed=0)

    async def watched(*arguments: Any, **_: object) -> None:
        for _ in range(2):
            await arguments[3]([right if activity.info().attempt == 2 else lost], ())
        raise EvidenceNotStored("enough")

    monkeypatch.setattr("relocate.activities.watching.watch_route", watched)
    for attempt in (1, 2):
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        with pytest.raises(Exception, match="enough"):
            await environment.run(Watching(parts).watch, ORDER)
    seen = await seconds_between(parts.database, "rel-1", 10, 11)
    assert [row.vantage for row in seen.rows] == ["edge-1", "edge-1#2"]
    (together,) = merged(seen.seconds)
    assert (together.sent, together.right, together.failed) == (20, 19, 1)
    assert chosen(rows_of(seen.rows[:1], 10, 11), seen.rows) == seen.rows[:1]


def _second(*, failed: int) -> Second:
    sides = {"mec-a": SideCount(count=10 - failed), "": SideCount(count=failed, errors=failed)}
    return Second(
        vantage="edge-1", second=10, due=10, sent=10, right=10 - failed, failed=failed, by_side=sides, left_out=failed
    )


@pytest.mark.parametrize("name", ["edge-1", "edge#x", "edge#1#2"])
def test_the_attempt_is_told_apart_from_the_instance(name: str) -> None:
    """Whatever an instance is called, the name under which a later attempt tells of it leads back to it."""
    assert instance_of(told_by(name, 3)) == name
