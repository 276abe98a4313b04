# SPDX-License-Identifier: Apache-2.0
"""One application's bad or slow configuration never blocks another's."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from steering.adapters.envoy import EnvoyAdapter
from steering.model import Acknowledgement, Backend, Port, RouteDocument
from steering.store.engine import engine
from steering.store.routes import RouteStore
from tests.envoy.rig import GATEWAY, HTTP, Fences, Rig, loopback
from tests.envoy.traffic import acknowledged, lost, serving, traffic

BAD = {
    "route": {"epoch": "two\nlines"},
    "cluster": {"ports": (Port(name="http", health="/two\nlines"),)},
    "hosts.0": {"hosts": ("*partial.conformance.test",)},
}
"""What is refused, by what is said to be wrong: by Envoy, or (what all routes share) before it gets there."""


def _write(rig: Rig, document: RouteDocument, fence: Fences, base: str | None = None) -> str:
    """Past the adapter's own checks, as a fault in them would."""
    number = None if base is None else int(base)
    return str(RouteStore(engine(rig.database_url)).write(GATEWAY, document, fence(), number))


@pytest.mark.parametrize("kind", sorted(BAD))
async def test_refused_document_is_reported_and_blocks_nobody(rig: Rig, adapter: EnvoyAdapter, kind: str) -> None:
    """Every instance reports the refusal in Envoy's words; another route is written and served meanwhile."""
    fence = Fences()
    version = await adapter.apply(rig.document("game", "e1", {"a": 100, "b": 0}), fence=fence(), base=None)
    await acknowledged(adapter, "game", version)
    for instance in rig.instances:
        await serving(rig, "game", instance, epoch="e1")
    async with traffic(rig, "game") as seen:
        bad = _write(rig, rig.document("shop", "e1", {"a": 100}, **BAD[kind]), fence)
        version = await adapter.apply(rig.document("game", "e2", {"a": 0, "b": 100}), fence=fence(), base=version)
        third = await adapter.apply(rig.document("chat", "e1", {"a": 100}), fence=fence(), base=None)
        await acknowledged(adapter, "game", version)
        await acknowledged(adapter, "chat", third)
        refused = await acknowledged(adapter, "shop", bad, Acknowledgement.REJECTED)
    assert lost(seen) == {}
    assert all(one.reason.startswith(f"{kind}: ") for one in refused), refused
    for route, epoch in (("game", "e2"), ("chat", "e1")):
        for instance in rig.instances:
            await serving(rig, route, instance, epoch=epoch)
    good = _write(rig, rig.document("shop", "e2", {"a": 100}), fence, bad)
    await acknowledged(adapter, "shop", good)
    for instance in rig.instances:
        await serving(rig, "shop", instance, epoch="e2")


@pytest.mark.parametrize("kind", sorted(BAD))
async def test_refused_document_leaves_its_own_route_as_it_was(rig: Rig, adapter: EnvoyAdapter, kind: str) -> None:
    """A route whose new document is refused goes on with the old one, without loss, also on an Envoy that reconnects."""
    fence = Fences()
    version = await adapter.apply(rig.document("shop", "e1", {"a": 100}), fence=fence(), base=None)
    await acknowledged(adapter, "shop", version)
    for instance in rig.instances:
        await serving(rig, "shop", instance, epoch="e1")
    async with traffic(rig, "shop") as seen:
        bad = _write(rig, rig.document("shop", "e2", {"a": 0, "b": 100}, **BAD[kind]), fence, version)
        await acknowledged(adapter, "shop", bad, Acknowledgement.REJECTED)
        rig.kill("control")
        await asyncio.to_thread(rig.start_control)
        await asyncio.sleep(1.5)
    assert lost(seen) == {}


async def test_starting_instance_is_served_around_a_bad_document(rig: Rig, adapter: EnvoyAdapter) -> None:
    """An Envoy that starts while bad documents stand gets all the good routes."""
    fence = Fences()
    for route in ("chat", "game"):
        await adapter.apply(rig.document(route, "e1", {"a": 100}), fence=fence(), base=None)
    for number, changes in enumerate(BAD.values()):
        _write(rig, rig.document(f"bad-{number}", "e1", {"a": 100}, **changes), fence)
    rig.kill("edge-1")
    await asyncio.to_thread(rig.start_envoy, "edge-1")
    for route in ("chat", "game"):
        await serving(rig, route, "edge-1", epoch="e1")


async def test_warming_cluster_blocks_nobody(make_rig: Callable[..., Rig]) -> None:
    """While one route's clusters wait for a health check that never answers, another's switch takes effect at once."""
    rig = make_rig(extra={"health": {"interval_seconds": 0.25, "timeout_seconds": 60.0}})
    adapter, fence = rig.adapter(), Fences()
    version = await adapter.apply(rig.document("game", "e1", {"a": 100, "b": 0}), fence=fence(), base=None)
    await acknowledged(adapter, "game", version)
    for instance in rig.instances:
        await serving(rig, "game", instance, epoch="e1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = Backend(name="a", instance="a-9", endpoints={"http": (loopback(silent.getsockname()[1]),)})
        await adapter.apply(rig.document("shop", "e1", {"a": 100}, backends=(nowhere,)), fence=fence(), base=None)
        await asyncio.sleep(0.5)
        async with traffic(rig, "game") as seen:
            for flip in range(10):
                weights = {"a": 100, "b": 0} if flip % 2 else {"a": 50, "b": 50}
                document = rig.document("game", f"f{flip}", weights, failover=bool(flip % 2), ports=(HTTP,))
                version = await adapter.apply(document, fence=fence(), base=version)
                await acknowledged(adapter, "game", version)
        async with rig.client() as client:
            admin = f"http://127.0.0.1:{rig.port('edge-1.admin')}/stats?filter=warming_clusters"
            warming = (await client.get(admin)).text.strip()
    assert warming == "cluster_manager.warming_clusters: 1", "otherwise nothing was in the way"
    assert lost(seen) == {}
    await adapter.close()
