# SPDX-License-Identifier: Apache-2.0
"""The whole service on one machine, each part a process of its own.

These are Temporal, the API, a worker, the gateway control plane, two Envoys, and two process clusters.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import httpx

from relocate.clusters.process.wire import Status
from relocate.demo import site
from relocate.demo.certificates import Certificates, issue
from relocate.demo.ground import Ground, OwnClusters
from relocate.demo.processes import Processes, listens, own_command, program
from relocate.evidence.keys import create_signing_key
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.store.migrate import prepare
from relocate.workflow.visibility import KEYS
from steering.envoy.bootstrap import bootstrap
from steering.model import Endpoint

TEMPORAL_TUNING = (
    "history.transferProcessorMaxPollRPS=1000",
    "history.timerProcessorMaxPollRPS=1000",
    "history.visibilityProcessorMaxPollRPS=1000",
)
"""The dev server polls each queue 20 times a second by default, so that every step waits up to 50 ms; measured:
7 activities took 400 ms before and 154 ms after (reference: temporal.md, 0.1)."""

NICER = 10
"""By how much the orchestrator yields to gateways, instances and UEs on the demo's one machine: a request must not wait for
the core on which the orchestrator does its work. Measured on two cores: the p99 of users while a relocation prepares and
switches was 15 and 20 ms without it, 9 and 13 ms with it, and 11 to 12 ms with no relocation at all."""

Tell = Callable[[str], None]


@dataclass
class System:
    """Everything that runs, and how to reach it."""

    processes: Processes
    ports: site.Ports
    certificates: Certificates
    folder: Path
    envoy: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What an Envoy is told besides, by gateway instance."""
    workers: Sequence[str] = ("worker",)
    """By name; as many as are named."""
    uplinks: Mapping[str, int] = field(default_factory=dict)
    """Where an Envoy finds its control plane, if not at the control plane's own port; by gateway instance."""
    database: str = ""
    """URL of the service's database; by default SQLite, in `folder`."""
    nicer: int = 0
    """By how much Temporal, API, workers and control plane yield to all others, as nice(1) counts."""
    ground: Ground = field(default_factory=OwnClusters)
    """What applications run on."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Settings of every process besides."""

    @property
    def api(self) -> str:
        """Base URL of the API and the page."""
        return f"http://127.0.0.1:{self.ports.api}"

    @property
    def database_url(self) -> str:
        """The service's database."""
        return self.database or f"sqlite:///{self.folder / 'relocate.db'}"

    @property
    def signing_key(self) -> Path:
        """What this run's evidence is signed with."""
        return self.folder / "signing-key.pem"

    @property
    def feed(self) -> Path:
        """Traffic per second, for the page."""
        return self.folder / "seconds.jsonl"

    async def start(self, tell: Tell) -> None:
        """Start all processes side by side and wait until each answers.

        Raises:
            StartFailed: one did not come up; the text holds the end of its log.
        """
        self.certificates = issue(self.folder, [site.host_of(site.OURS), site.host_of("*")])
        prepare(self.database_url)
        self.feed.touch()
        create_signing_key(self.signing_key)
        self.processes.environment = self._environment()
        await self.start_temporal()
        for cluster, port in self.ports.clusters.items():
            await self._start_cluster(cluster, port)
        await self.ground.start(self)
        await self.start_api()
        for worker in self.workers:
            await self.start_worker(worker)
        await self.start_control()
        for instance in site.INSTANCES:
            await self.start_gateway(instance)
        await self._ready(tell)

    async def start_temporal(self, host: str = "127.0.0.1") -> None:
        """Start Temporal's development server on an address; started again, it goes on with what is in its file."""
        argv = [program("temporal"), "server", "start-dev", "--headless", "--ip", host]
        argv += ["--port", str(self.ports.temporal), "--db-filename", str(self.folder / "temporal.db")]
        argv += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL", "--log-level", "error"]
        for value in TEMPORAL_TUNING:
            argv += ["--dynamic-config-value", value]
        for key in KEYS:
            argv += ["--search-attribute", f"{key.name}=Keyword"]
        await self.processes.start("temporal", argv, nicer=self.nicer)

    async def start_api(self, *, temporal: int | None = None) -> None:
        """Start the API; `temporal` is the port on which it reaches Temporal, None for Temporal's own."""
        environment = {"TEMPORAL_ADDRESS": f"127.0.0.1:{temporal}"} if temporal is not None else {}
        await self.processes.start("api", own_command("api"), environment=environment, nicer=self.nicer)

    async def api_ready(self) -> None:
        """Wait until the API takes requests."""
        await self.processes.wait_for("api", self._api_ready)

    async def start_worker(self, name: str = "worker", environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start a worker, under a name that is free, with these settings besides."""
        if name in self.ports.scraped:
            environment = {"RELOCATE_WORKER_METRICS_PORT": str(self.ports.scraped[name]), **environment}
        await self.processes.start(name, own_command("worker"), environment=environment, nicer=self.nicer)

    async def start_control(self, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start the gateways' control plane, with these settings besides."""
        argv = own_command("gateway-control", "--port", str(self.ports.control))
        environment = {"RELOCATE_CONTROL_METRICS_PORT": str(self.ports.scraped["gateway-control"]), **environment}
        await self.processes.start("gateway-control", argv, environment=environment, nicer=self.nicer)

    async def start_gateway(self, instance: str) -> None:
        """Start one Envoy; it knows nothing but its control plane."""
        control = (Endpoint(host="127.0.0.1", port=self.uplinks.get(instance, self.ports.control)),)
        admin = Endpoint(host="127.0.0.1", port=self.ports.admins[instance])
        file = self.folder / f"{instance}.json"
        file.write_text(json.dumps(bootstrap(site.GATEWAY, instance, control=control, admin=admin)))
        argv = [program("envoy"), "-c", str(file), "--use-dynamic-base-id", "--concurrency", "1"]
        await self.processes.start(instance, [*argv, "--log-level", "warning", *self.envoy.get(instance, ())])

    async def restart_gateway(self, instance: str) -> None:
        """Stop one Envoy and start it anew; its users are cut off meanwhile."""
        await self.processes.stop(instance)
        await self.start_gateway(instance)
        await self.processes.wait_for(instance, lambda: listens(self.ports.admins[instance]))

    async def configure(self) -> None:
        """Tell the API what there is."""
        await self.describe_gateway(site.gateway(self.ports, self.certificates))
        for cluster in self.ground.clusters(self):
            await self.describe_cluster(cluster)
        await self.describe(self.ground.application(site.OURS))

    async def describe_gateway(self, gateway: Gateway) -> None:
        """Tell the API what a gateway is, and whom to trust there."""
        await self._put("gateways", gateway)

    async def describe(self, application: Application) -> None:
        """Tell the API what an application is; said again, it counts for what is started from then on."""
        await self._put("applications", application)

    async def describe_cluster(self, cluster: Cluster) -> None:
        """Tell the API what a cluster is."""
        await self._put("clusters", cluster)

    async def _put(self, kind: str, entry: Application | Cluster | Gateway) -> None:
        async with self.client() as client:
            answer = await client.put(f"/v1/{kind}/{entry.name}", json=entry.model_dump(mode="json"))
            answer.raise_for_status()

    async def place(self, application: str, cluster: str) -> None:
        """Make the application's first placement."""
        await self._settle(application, cluster, "placement", "placed")

    async def adopt(self, application: str, cluster: str) -> None:
        """Take over what runs of the application there."""
        await self._settle(application, cluster, "adoption", "adopted")

    async def _settle(self, application: str, cluster: str, what: str, done: str) -> None:
        async with self.client() as client:
            answer = await client.put(f"/v1/applications/{application}/{what}", json={"cluster": cluster}, timeout=60)
        if answer.is_error:
            text = f"{application} was not {done} on {cluster}: {answer.text}"
            raise httpx.HTTPStatusError(text, request=answer.request, response=answer)

    async def instances(self, cluster: str, application: str) -> Sequence[Status]:
        """What is left of an application on a cluster, as the cluster's agent sees it."""
        url = f"http://127.0.0.1:{self.ports.clusters[cluster]}/instances"
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            answer = await client.get(url)
        found = [Status.model_validate(one) for one in answer.raise_for_status().json()]
        return [one for one in found if one.application == application and not one.gone]

    def client(self) -> httpx.AsyncClient:
        """A client of the API."""
        return httpx.AsyncClient(base_url=self.api, timeout=10, trust_env=False)

    def _environment(self) -> dict[str, str]:
        return {
            "TEMPORAL_ADDRESS": f"127.0.0.1:{self.ports.temporal}",
            "RELOCATE_DATABASE_URL": self.database_url,
            "RELOCATE_API_PORT": str(self.ports.api),
            "RELOCATE_METRICS_PORT": str(self.ports.metrics),
            "RELOCATE_SIGNING_KEY": str(self.signing_key),
            "RELOCATE_PAGE_FEED": str(self.feed),
            # A cluster that has just failed is left alone for a while; on a stage, not for five minutes.
            "RELOCATE_SELECTOR_SETTINGS": json.dumps({"failure_backoff_seconds": 1}),
            **self.environment,
        }

    async def _start_cluster(self, cluster: str, port: int) -> None:
        folder = self.folder / cluster
        argv = own_command("process-cluster", cluster, "--port", str(port), "--state-dir", str(folder))
        await self.processes.start(cluster, argv)

    async def _ready(self, tell: Tell) -> None:
        waits: Sequence[tuple[str, int]] = [
            ("temporal", self.ports.temporal),
            *self.ports.clusters.items(),
            ("gateway-control", self.ports.control),
            *self.ports.admins.items(),
        ]
        for name, port in waits:
            await self.processes.wait_for(name, lambda port=port: listens(port))  # type: ignore[misc]
        await self.api_ready()
        tell(f"everything runs; the page is at {self.api}/")

    async def _api_ready(self) -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
                answer = await client.get(f"http://127.0.0.1:{self.ports.metrics}/readyz")
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK


def new_system(folder: Path, *, api_port: int | None = None) -> System:
    """A system that has not been started, with its files in `folder`."""
    missing = Path("missing")
    return System(Processes(folder), site.choose_ports(api_port), Certificates(missing, missing, missing), folder)


async def stop(system: System) -> None:
    """Stop every process; instances end with their clusters."""
    await asyncio.shield(system.processes.stop())
