# SPDX-License-Identifier: Apache-2.0
"""A simulated EMCO that listens on loopback, with clusters in memory and one group of several apps."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx
import uvicorn
import yaml
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from relocate.clusters.contract import ClusterDriver, InstanceState, Observation, Workload
from relocate.clusters.emco import EmcoDriver
from relocate.clusters.memory import MemoryCluster, MemoryDriver
from relocate.demo.processes import free_ports
from relocate.emco_sim.api import application
from relocate.emco_sim.emco import Emco
from relocate.emco_sim.rsync import Release
from relocate.health import SideListener
from steering.model import Fence

PROVIDER = "edge"
GROUP = "/v2/projects/p/composite-apps/shop/v1/deployment-intent-groups/dig"
PLACEMENT = f"{GROUP}/generic-placement-intents/placement"
PATIENCE = 30.0
MEMORY: Mapping[str, Any] = {"memory": {"capacity": 5}}
COMPANION: Mapping[str, Any] = {"driver": "memory"}
ENDPOINT = {"host": "192.0.2.7", "port": 80}

_numbers = count(1)


def named(*clusters: str) -> list[dict[str, Any]]:
    """Items of an intent: clusters by name."""
    return [{"clusterProvider": PROVIDER, "cluster": cluster} for cluster in clusters]


def labelled(*labels: str) -> list[dict[str, Any]]:
    """Items of an intent: clusters by label."""
    return [{"clusterProvider": PROVIDER, "clusterLabel": label} for label in labels]


class World:
    """What a test does with EMCO beside the driver, and the drivers of its clusters."""

    def __init__(self, emco: Emco, client: httpx.AsyncClient, url: str, database_url: str) -> None:
        """Args: emco: that listens; client: of it; url: where; database_url: the service's database."""
        self.emco = emco
        self.client = client
        self.url = url
        self.asked: list[str] = []
        """Every request, as the page of EMCO's wire would write it."""
        self.refusing = False
        """Every request is answered with an error, as by an EMCO whose database is away."""
        self.database_url = database_url
        number = next(_numbers)
        self.a, self.b, self.c = (f"emco-{letter}-{number}" for letter in "abc")
        self._drivers: list[ClusterDriver] = []
        self._sequence = count(1)

    async def begin(
        self,
        apps: Sequence[str] = ("web",),
        intent: Mapping[str, Any] | None = None,
        files: Callable[[str], Mapping[str, Any]] = lambda _: {"driver": "memory"},
        workloads: Mapping[str, Any] = MEMORY,
    ) -> None:
        """Clusters a, b (label `edge`) and c (label `edge`), and a group that is up.

        Args:
            apps: of the group.
            intent: of each app; on a, if nothing is said.
            files: what clusters are, in place of a kubeconfig.
            workloads: what each app runs, in place of a chart.
        """
        await self._made("cluster-providers", {"metadata": {"name": PROVIDER}})
        for cluster in (self.a, self.b, self.c):
            await self._made(f"cluster-providers/{PROVIDER}/clusters", _named(cluster), files(cluster))
        for cluster in (self.b, self.c):
            await self.label(cluster, "edge")
        await self._made("projects", _named("p"))
        await self._made("projects/p/logical-clouds", _named("cloud") | {"spec": {"level": "0"}})
        for cluster in (self.a, self.b, self.c):
            body = _named(cluster) | {"spec": {"clusterProvider": PROVIDER, "cluster": cluster}}
            await self._made("projects/p/logical-clouds/cloud/cluster-references", body)
        await self.act("/v2/projects/p/logical-clouds/cloud/instantiate")
        await self._made("projects/p/composite-apps", _named("shop") | {"spec": {"compositeAppVersion": "v1"}})
        for app in apps:
            file = {"ports": ["http"], "workloads": dict(workloads)}
            await self._made("projects/p/composite-apps/shop/v1/apps", _named(app), file)
        groups = "projects/p/composite-apps/shop/v1/deployment-intent-groups"
        await self._made(groups, _named("dig") | {"spec": {"logicalCloud": "cloud"}})
        await self._made(GROUP.removeprefix("/v2/") + "/generic-placement-intents", _named("placement"))
        for app in apps:
            await self.intend(app, intent or {"allOf": named(self.a)})
        await self.act(f"{GROUP}/approve")
        await self.act(f"{GROUP}/instantiate")
        await self.settles()

    async def label(self, cluster: str, label: str) -> None:
        """One label more."""
        await self._made(f"cluster-providers/{PROVIDER}/clusters/{cluster}/labels", {"clusterLabel": label})

    async def intend(self, app: str, intent: Mapping[str, Any], **metadata: str) -> None:
        """Put the app intent of an app."""
        body = {"metadata": {"name": f"{app}-intent", **metadata}, "spec": {"app": app, "intent": intent}}
        (await self.client.put(f"{PLACEMENT}/app-intents/{app}-intent", json=body)).raise_for_status()

    async def intent(self, app: str = "web") -> Mapping[str, Any]:
        """What EMCO has as the app's intent, as a whole."""
        answer = await self.client.get(f"{PLACEMENT}/app-intents/{app}-intent")
        found: Mapping[str, Any] = answer.raise_for_status().json()
        return found

    async def act(self, path: str) -> None:
        """Have something done."""
        (await self.client.post(path)).raise_for_status()

    async def status(self) -> Mapping[str, Any]:
        """What has become of the group."""
        found: Mapping[str, Any] = (await self.client.get(f"{GROUP}/status", params={"status": "ready"})).json()
        return found

    async def revision(self) -> int:
        """The group's, now."""
        return int((await self.status())["states"]["actions"][-1]["revision"])

    async def settles(self) -> None:
        """Wait until what was ordered last is carried out."""
        async with asyncio.timeout(PATIENCE):
            while (await self.status())["deployedStatus"] != "Instantiated":  # noqa: ASYNC110 - EMCO tells nobody
                await asyncio.sleep(0.02)

    def runs(self, cluster: str) -> list[str]:
        """Apps that run on a cluster, as the cluster itself has it."""
        return sorted(key[0].partition("-")[2] for key in self.memory(cluster).instances)

    def memory(self, cluster: str) -> MemoryCluster:
        """The cluster itself."""
        return MemoryDriver.open(cluster, {}).cluster

    def driver(self, cluster: str, *, companion: Mapping[str, Any] | None = COMPANION, **settings: Any) -> EmcoDriver:
        """Our driver of a cluster, quick in all that takes time; without a companion it is told where the sample listens."""
        said: dict[str, Any] = {"url": self.url, "provider": PROVIDER, "cluster": cluster, "stable_seconds": 0}
        said |= {"timeout_seconds": 2, "settle_seconds": 3, "orphan_seconds": 0.3}
        said |= {"companion": companion} if companion else {"endpoints": {"shop": {"http": [ENDPOINT]}}}
        made = EmcoDriver.open(cluster, said | settings, database_url=self.database_url)
        self._drivers.append(made)
        return made

    def fence(self) -> Fence:
        """Newer than every one before."""
        return Fence(lease=1, sequence=next(self._sequence))

    async def close(self) -> None:
        """Close every driver."""
        for driver in self._drivers:
            await driver.close()

    async def _made(self, collection: str, body: Mapping[str, Any], file: Mapping[str, Any] | None = None) -> None:
        if file is None:
            answer = await self.client.post(f"/v2/{collection}", json=body)
        else:
            metadata = (None, httpx.Response(200, json=body).content, "application/json")
            form = {"metadata": metadata, "file": ("file", yaml.safe_dump(file).encode())}
            answer = await self.client.post(f"/v2/{collection}", files=form)
        answer.raise_for_status()


def workload(instance: str = "shop-1", *, ports: tuple[str, ...] = ("http",), **more: Any) -> Workload:
    """What an application says to be the group."""
    group = {"project": "p", "composite_app": "shop", "composite_app_version": "v1", "deployment_intent_group": "dig"}
    return Workload(application="shop", instance=instance, ports=ports, settings=group | more)


async def reaches(driver: ClusterDriver, state: InstanceState, instance: str = "shop-1") -> Observation:
    """What is observed once the instance is in this state; fails when that takes too long."""
    seen = None
    try:
        async with asyncio.timeout(PATIENCE):
            while (seen := await driver.observe("shop", instance)).state is not state:  # noqa: ASYNC110 - EMCO tells nobody
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        raise AssertionError(f"it is still {seen}") from error
    return seen


async def is_gone(driver: ClusterDriver, instance: str = "shop-1") -> None:
    """Wait until nothing is left; fails when that takes too long."""
    async with asyncio.timeout(PATIENCE):
        while not await driver.gone("shop", instance):  # noqa: ASYNC110 - EMCO tells nobody
            await asyncio.sleep(0.02)


@asynccontextmanager
async def world(database_url: str, release: Release = Release.R22_03) -> AsyncIterator[World]:
    """A world with nothing in it, while the block runs."""
    emco, port = Emco(release), free_ports(1)[0]
    url, app = f"http://127.0.0.1:{port}", application(emco)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as client:
        made = World(emco, client, url, database_url)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                query = scope["query_string"].decode()
                made.asked.append(f"{scope['method']} {scope['path']}{'?' if query else ''}{query}")
            refusing = made.refusing and scope["type"] == "http"
            refusal = PlainTextResponse("db Find error: no reachable servers\n", 500)
            await (refusal if refusing else app)(scope, receive, send)

        async with listening(answer, port):
            try:
                yield made
            finally:
                await made.close()


@asynccontextmanager
async def listening(app: Any, port: int) -> AsyncIterator[None]:
    """An ASGI application on a port of loopback, while the block runs."""
    config = uvicorn.Config(app, port=port, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
    server = SideListener(config)
    task = asyncio.ensure_future(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


def _named(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}
