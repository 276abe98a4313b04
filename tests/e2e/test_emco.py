# SPDX-License-Identifier: Apache-2.0
"""A simulated EMCO on two real clusters: what it puts there is found by its label, and what it leaves there is cleared away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from relocate.clusters.companion import MARK
from relocate.clusters.contract import InstanceState, Workload
from relocate.clusters.emco import EmcoDriver
from relocate.emco_sim.rsync import Release
from relocate.store.migrate import prepare
from steering.kubernetes.objects import Kind
from tests.clusters.emco.world import World, named, reaches, workload, world
from tests.e2e.edge import Edge
from tests.e2e.ground import Ground
from tests.e2e.sample import manifests

PATIENCE_SECONDS, PAUSE_SECONDS = 60.0, 0.2
DEPLOYMENT, CONFIG_MAP = Kind("apps/v1", "Deployment"), Kind("v1", "ConfigMap")


@dataclass
class Site:
    """An EMCO of the main branch, and our drivers of its two clusters."""

    emco: World
    grounds: dict[str, Ground]
    a: EmcoDriver
    b: EmcoDriver

    async def deployments(self, cluster: str) -> list[str]:
        """Names of those that EMCO has there."""
        ground = self.grounds[cluster]
        found = await ground.edge.api.list(DEPLOYMENT, ground.namespace, labels=MARK)
        return [one["metadata"]["name"] for one in found.items]


@pytest_asyncio.fixture(loop_scope="session")
async def site(edge_a: Edge, edge_b: Edge, tmp_path: Path) -> AsyncIterator[Site]:
    """The group is up on a, where each cluster is a namespace of its own with the rights that are published."""
    url = f"sqlite:///{tmp_path / 'relocate.db'}"
    prepare(url)
    async with AsyncExitStack() as stack:
        emco = await stack.enter_async_context(world(url, Release.MAIN))
        grounds = {}
        for cluster, edge in ((emco.a, edge_a), (emco.b, edge_b), (emco.c, edge_b)):
            folder = tmp_path / cluster
            folder.mkdir()
            grounds[cluster] = await stack.enter_async_context(Ground.open(edge, folder))
        await emco.begin(
            files=lambda cluster: {"driver": "kubernetes", "settings": dict(grounds[cluster].settings)},
            workloads={"kubernetes": {"manifests": manifests("echo")}},
        )
        seen = {one: {"driver": "kubernetes", "settings": dict(grounds[one].settings)} for one in grounds}
        a, b = (emco.driver(one, companion=seen[one]) for one in (emco.a, emco.b))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await a.adoptable(_workload("shop-0"))).problems:  # noqa: ASYNC110 - EMCO tells nobody
                await asyncio.sleep(PAUSE_SECONDS)
        yield Site(emco, grounds, a, b)


async def test_a_move_through_emco_ends_on_real_clusters(site: Site) -> None:
    """The new copy answers where its Service is; the old one, which EMCO leaves running, is removed, and nothing beside it."""
    emco = site.emco
    await site.a.adopt(_workload("shop-0"), emco.fence())
    await site.b.deploy(_workload("shop-1"), emco.fence())
    seen = await reaches(site.b, InstanceState.RUNNING)
    await _answers(f"http://{seen.endpoints['http'][0]}/healthz")
    theirs = await site.grounds[emco.a].make("v1", "ConfigMap", "theirs", data={"ours": "no"})
    await site.a.remove("shop", "shop-0", emco.fence())
    await emco.settles()
    assert await site.deployments(emco.a) == ["echo"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await site.a.gone("shop", "shop-0"):
            await site.a.remove("shop", "shop-0", emco.fence())
            await asyncio.sleep(PAUSE_SECONDS)
    assert (await site.deployments(emco.a), await site.deployments(emco.b)) == ([], ["echo"])
    assert (await emco.intent())["spec"]["intent"] == {"allOf": named(emco.b)}
    assert await site.grounds[emco.a].find("v1", "ConfigMap", theirs["metadata"]["name"]) is not None
    assert (await site.b.observe("shop", "shop-1")).state is InstanceState.RUNNING


@pytest.mark.parametrize(("port", "is_found"), [("http", True), (80, True), ("nothing", False)])
async def test_a_port_is_where_the_application_says(site: Site, port: str | int, is_found: bool) -> None:
    """By name or number of a Service's port; of one that is not there nothing is known."""
    found = await site.a.adoptable(_workload("shop-0", web={"service": "echo", "port": port}))
    assert bool(found.endpoints.get("web")) is is_found


async def _answers(url: str) -> None:
    """Wait until somebody answers well: ready is not reachable yet."""
    async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while True:
            with suppress(httpx.TransportError):
                (await client.get(url)).raise_for_status()
                return
            await asyncio.sleep(PAUSE_SECONDS)


def _workload(instance: str, **ports: object) -> Workload:
    said = workload(instance)
    settings = {**said.settings, "ports": ports}
    return said.model_copy(update={"ports": tuple(ports) or said.ports, "settings": settings})
