# SPDX-License-Identifier: Apache-2.0
"""Gateway instances that go and come."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta

from steering.adapters.envoy import EnvoyAdapter
from steering.model import Acknowledgement, ProbePath
from steering.store.engine import engine
from steering.store.routes import RouteStore
from tests.envoy.rig import Fences, Rig, loopback, of, told
from tests.envoy.traffic import WORKERS, acknowledged, lost, serving, traffic, unanswered

TOKEN = "t" * 24


async def test_killed_instance_is_dead_and_returns_with_the_right_configuration(
    rig: Rig, adapter: EnvoyAdapter
) -> None:
    """A killed Envoy is dead, by evidence; started again it starts empty and serves what is written now."""
    fence = Fences()
    version = await adapter.apply(rig.document("shop", "e1", {"a": 100}), fence=fence(), base=None)
    await acknowledged(adapter, "shop", version)
    rig.kill("edge-2")
    await asyncio.sleep(0.3)
    by_name = {one.instance: one for one in await adapter.acknowledged("shop", version)}
    assert by_name["edge-2"].state is Acknowledgement.DEAD
    assert "refused" in by_name["edge-2"].reason
    version = await adapter.apply(rig.document("shop", "e2", {"a": 0, "b": 100}), fence=fence(), base=version)
    await asyncio.to_thread(rig.start_envoy, "edge-2")
    await acknowledged(adapter, "shop", version)
    async with rig.client() as client:
        assert told(await client.get(rig.url("edge-2"), **of("shop"))) == (200, "b", "e2")


async def test_instances_that_fall_silent_are_deaf_within_seconds(rig: Rig, adapter: EnvoyAdapter) -> None:
    """A frozen Envoy ends no connection; it is not taken for connected any more when it answers no ping."""
    version = await adapter.apply(rig.document("shop", "e1", {"a": 100}), fence=Fences()(), base=None)
    await acknowledged(adapter, "shop", version)
    for instance in rig.instances:
        rig.processes[instance].send_signal(signal.SIGSTOP)
    await acknowledged(adapter, "shop", version, Acknowledgement.DEAF)
    for instance in rig.instances:
        rig.processes[instance].send_signal(signal.SIGCONT)
    await acknowledged(adapter, "shop", version)


async def test_expired_probe_path_is_taken_away(rig: Rig, adapter: EnvoyAdapter) -> None:
    """A probe path ends at its time, without a new version; its token then leads where all requests go."""
    expires = datetime.now(UTC) + timedelta(seconds=3)
    path = ProbePath(backend="b", token=TOKEN, expires_at=expires)
    document = rig.document("shop", "e1", {"a": 100, "b": 0}, probe_paths=(path,))
    version = await adapter.apply(document, fence=Fences()(), base=None)
    await acknowledged(adapter, "shop", version)
    await serving(rig, "shop", "edge-1", epoch="e1")
    async with rig.client() as client:
        response = await client.get(rig.url("edge-1"), **of("shop", token=TOKEN))
        assert told(response) == (200, "b", "e1")
        assert "x-relocate-probe" not in response.json()["headers"]
        await asyncio.sleep(3.5)
        assert told(await client.get(rig.url("edge-1"), **of("shop", token=TOKEN))) == (200, "a", "e1")
    await acknowledged(adapter, "shop", version)


async def test_endpoints_move_without_a_new_version(rig: Rig, adapter: EnvoyAdapter) -> None:
    """An instance that listens elsewhere now is found there, without a new route version and without loss.

    The old address serves until it is unhealthy: here, until its process is killed.
    """
    version = await adapter.apply(rig.document("shop", "e1", {"a": 100}), fence=Fences()(), base=None)
    await acknowledged(adapter, "shop", version)
    await serving(rig, "shop", "edge-1", epoch="e1")
    await serving(rig, "shop", "edge-2", epoch="e1")
    moved = {"http": (loopback(rig.port("b.http")),)}
    async with traffic(rig, "shop") as seen:
        RouteStore(engine(rig.database_url)).move_endpoints("a-1", moved)
        await asyncio.sleep(2.0)
        rig.kill("a")
        await asyncio.sleep(1.0)
    assert unanswered(seen) == {}
    assert sum(lost(seen).values()) <= WORKERS * rig.count, "at most what was in flight on it"
    async with rig.client() as client:
        response = await client.get(rig.url("edge-1"), **of("shop"))
    assert response.json()["name"] == "b"
    assert told(response) == (200, "a", "e1")
    state = await adapter.read("shop")
    assert state is not None
    assert state.version == version


async def test_removed_route_is_gone_and_others_stay(rig: Rig, adapter: EnvoyAdapter) -> None:
    """Un-placing a route takes its listener part and its clusters, and nothing of any other route."""
    fence = Fences()
    for route in ("shop", "game"):
        version = await adapter.apply(rig.document(route, "e1", {"a": 100}), fence=fence(), base=None)
        await acknowledged(adapter, route, version)
    await serving(rig, "game", "edge-1", epoch="e1")
    async with traffic(rig, "game") as seen:
        await adapter.remove("shop", fence=fence(), base=version)
        await asyncio.sleep(1.5)
    assert lost(seen) == {}
    assert await adapter.read("shop") is None
    admin = f"http://127.0.0.1:{rig.port('edge-1.admin')}/stats?filter=^cluster.shop/"
    async with rig.client() as client:
        assert (await client.get(admin)).text.strip() == ""
    version = await adapter.apply(rig.document("shop", "e2", {"b": 100}), fence=fence(), base=None)
    await acknowledged(adapter, "shop", version)
    await serving(rig, "shop", "edge-1", epoch="e2")
