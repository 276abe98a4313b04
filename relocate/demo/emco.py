# SPDX-License-Identifier: Apache-2.0
"""The demo on clusters of an EMCO: a simulated one has instances run on process clusters, and the service moves them through it."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from relocate.clusters.process import ProcessDriver
from relocate.demo import site
from relocate.demo.ground import Ground, Today, until
from relocate.demo.processes import free_ports, listens, own_command
from relocate.demo.today import point_at
from relocate.model.application import Application
from relocate.model.cluster import Cluster
from steering.model import Backend, Endpoints

if TYPE_CHECKING:
    from relocate.demo.system import System

PROVIDER, PROJECT, COMPOSITE_APP, VERSION, GROUP = "edge-provider", "demo", "navigation", "v1", "dig"
CLOUD, PLACEMENT = "cloud", "placement"
APPS = f"projects/{PROJECT}/composite-apps"
DIG = f"{APPS}/{COMPOSITE_APP}/{VERSION}/deployment-intent-groups/{GROUP}"
INTENT = f"{DIG}/generic-placement-intents/{PLACEMENT}/app-intents/{site.OURS}-intent"


class EmcoClusters(Ground):
    """Clusters of a simulated EMCO; EMCO's Migrate is what moves things there today."""

    today = "EMCO's Migrate: intents put to {target}, updated, route pointed there"

    def __init__(self) -> None:
        """Nothing runs."""
        self.url = f"http://127.0.0.1:{free_ports(1)[0]}"
        self._moves = 0

    async def start(self, system: "System") -> None:
        """The simulated EMCO, as a process."""
        port = self.url.rpartition(":")[2]
        await system.processes.start("emco-sim", own_command("emco-sim", "--port", port))
        await system.processes.wait_for("emco-sim", lambda: listens(int(port)))

    def clusters(self, system: "System") -> Sequence[Cluster]:
        """Driver `emco`; the companion sees the processes that EMCO has run."""
        return [
            one.model_copy(update={"driver": "emco", "settings": self._settings(one)})
            for one in site.clusters(system.ports)
        ]

    def application(self, name: str, arguments: Sequence[str] = ()) -> Application:
        """The sample application, of which the service knows no more than what it is in EMCO."""
        return site.application(name, arguments).model_copy(
            update={
                "workloads": {
                    "emco": {
                        "project": PROJECT,
                        "composite_app": COMPOSITE_APP,
                        "composite_app_version": VERSION,
                        "deployment_intent_group": GROUP,
                    }
                }
            }
        )

    async def begin(self, system: "System", cluster: str) -> None:
        """EMCO deploys it, and the service adopts what runs."""
        async with self._client() as client:
            await _bring_up(client, site.clusters(system.ports), cluster)
        await system.adopt(site.OURS, cluster)

    async def ask(self, client: httpx.AsyncClient, source: str, target: str, options: Mapping[str, Any]) -> str:  # noqa: ARG002 - EMCO names the target, and knows no options
        """EMCO's workflowmgr starts Migrate, as it always has."""
        self._moves += 1
        before = await _relocations(client)
        params = {
            "emcoURL": self.url,
            "project": PROJECT,
            "compositeApp": COMPOSITE_APP,
            "compositeAppVersion": VERSION,
            "deploymentIntentGroup": GROUP,
            "targetClusterProvider": PROVIDER,
            "targetClusterName": target,
        }
        spec = {
            "workflowClientName": "migrate_workflowclient",
            "workflowStartOptions": {"ID": f"migrate-{self._moves}", "TaskQueue": "MIGRATION_TASK_Q"},
            "workflowParams": {"activityParams": {"all-activities": params}},
        }
        (await client.post("/invoke/migrate_workflowclient", json=spec)).raise_for_status()

        async def new() -> set[str]:
            return await _relocations(client) - before

        return (await until(new, "EMCO's workflow began no relocation")).pop()

    async def move_today(self, today: Today, source: str, target: str) -> None:  # noqa: ARG002 - the intent says all
        """What the original does: put the intent, update, believe EMCO's *Ready*; then somebody points the route at B.

        The service's record of placements stays as it is: there and back, all is where it was.
        """
        async with self._client() as client:
            (await client.put(f"/v2/{INTENT}", json=_intent(target))).raise_for_status()
            (await client.post(f"/v2/{DIG}/update")).raise_for_status()
            # The original's filter, by kinds: it matches nothing, and nothing is Ready.
            query = {"status": "ready", "output": "summary", "resource": "apps.v1.Deployment"}
            await until(lambda: _is_ready(client, query), "EMCO did not say Ready")
            first = (await client.get(f"/v2/{DIG}/status")).json()["states"]["statusctxid"]
        backend = await self._listening(today, target, f"{first}-{site.OURS}")
        adapter = await today.parts.adapter(site.GATEWAY)
        for route in self.application(site.OURS).routes:
            await point_at(backend, route, adapter, today.next_fence())

    async def _listening(self, today: Today, target: str, mark: str) -> Backend:
        """Where the new copy listens, as its cluster has it. It is asked until it says so, whether or not it serves."""
        port = today.system.ports.clusters[target]
        driver = ProcessDriver.open(target, {"url": f"http://127.0.0.1:{port}"})
        ports = dict.fromkeys(self.application(site.OURS).port_names)

        async def endpoints() -> Endpoints | None:
            found = (await driver.standing([mark], ports)).endpoints
            return found if all(found.values()) else None

        try:
            found = await until(endpoints, f"EMCO put nothing that listens on {target}")
        finally:
            await driver.close()
        mine = target == today.placed.cluster
        instance = today.placed.instance if mine else f"{site.OURS}-today-{today.lease}"
        return Backend(name=target, instance=instance, endpoints=found)

    def _settings(self, cluster: Cluster) -> dict[str, Any]:
        return {
            "url": self.url,
            "provider": PROVIDER,
            "cluster": cluster.name,
            "stable_seconds": 0.5,
            "companion": {"driver": cluster.driver, "settings": cluster.settings},
        }

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=10, trust_env=False)


async def _bring_up(client: httpx.AsyncClient, clusters: Sequence[Cluster], first: str) -> None:
    """What an EMCO's operator does once: clusters, a logical cloud, a composite application, a group that is instantiated."""

    async def made(collection: str, name: str, spec: Mapping[str, Any] | None = None, file: object = None) -> None:
        body = {"metadata": {"name": name}, **({"spec": spec} if spec is not None else {})}
        if file is None:
            answer = await client.post(f"/v2/{collection}", json=body)
        else:
            metadata = (None, json.dumps(body).encode(), "application/json")
            answer = await client.post(
                f"/v2/{collection}", files={"metadata": metadata, "file": yaml.safe_dump(file).encode()}
            )
        answer.raise_for_status()

    sample = site.application(site.OURS)
    cloud = f"projects/{PROJECT}/logical-clouds"
    await made("cluster-providers", PROVIDER)
    await made("projects", PROJECT)
    await made(cloud, CLOUD, {"level": "0"})
    for one in clusters:
        file = {"driver": one.driver, "settings": one.settings}
        await made(f"cluster-providers/{PROVIDER}/clusters", one.name, file=file)
        await made(f"{cloud}/{CLOUD}/cluster-references", one.name, {"clusterProvider": PROVIDER, "cluster": one.name})
    (await client.post(f"/v2/{cloud}/{CLOUD}/instantiate")).raise_for_status()
    await made(APPS, COMPOSITE_APP, {"compositeAppVersion": VERSION})
    file = {"ports": list(sample.port_names), "workloads": sample.workloads}
    await made(f"{APPS}/{COMPOSITE_APP}/{VERSION}/apps", site.OURS, file=file)
    await made(DIG.rpartition("/")[0], GROUP, {"logicalCloud": CLOUD})
    await made(f"{DIG}/generic-placement-intents", PLACEMENT)
    (await client.put(f"/v2/{INTENT}", json=_intent(first))).raise_for_status()
    for action in ("approve", "instantiate"):
        (await client.post(f"/v2/{DIG}/{action}")).raise_for_status()
    await until(lambda: _is_ready(client, {"status": "ready", "output": "summary"}), "EMCO did not bring the group up")


def _intent(cluster: str) -> Mapping[str, Any]:
    placed = {"allOf": [{"clusterProvider": PROVIDER, "cluster": cluster}]}
    return {"metadata": {"name": f"{site.OURS}-intent"}, "spec": {"app": site.OURS, "intent": placed}}


async def _is_ready(client: httpx.AsyncClient, query: Mapping[str, str]) -> bool:
    answer = await client.get(f"/v2/{DIG}/status", params=query)
    return bool(answer.raise_for_status().json()["readyStatus"] == "Ready")


async def _relocations(client: httpx.AsyncClient) -> set[str]:
    answer = await client.get("/v1/relocations", params={"application": site.OURS})
    return {one["id"] for one in answer.raise_for_status().json()["items"]}
