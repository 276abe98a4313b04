# SPDX-License-Identifier: Apache-2.0
"""What a release finds: PostgreSQL and Temporal by address, Secrets, a second cluster, a Gateway; and what it is told of them."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from relocate.demo import site
from relocate.demo.certificates import issue
from relocate.demo.system import System, new_system, stop
from tests.e2e.account import Account
from tests.e2e.chart.service_images import REPOSITORY
from tests.e2e.chart.traefik import ADMIN_PORT, Traefik
from tests.e2e.edge import Edge
from tests.e2e.entries import UNCOUNTED
from tests.e2e.sample import manifests
from tests.e2e.scene import A, B, application
from tests.gateway_api.hub import Hub
from tests.gateway_api.site import accepts

APPLICATION, TRIED, GATEWAY = "assist", "tried", "edge"
"""What a release moves, what a trial moves, and how users reach both."""
POLICY = {
    **UNCOUNTED,
    # Long enough for an upgrade to begin in it.
    "bake_seconds": 15,
    # New pods start on the machine on which users are served; what is judged is errors.
    "judging": {"max_p99_slack_seconds": 10.0},
}


@dataclass(frozen=True)
class Surroundings:
    """Of one release in a namespace of edge-a, for applications that move between there and edge-b."""

    edge_a: Edge
    edge_b: Edge
    system: System
    """Temporal and users; nothing else of it runs."""
    database: str
    """URL of the service's, from this machine."""
    namespace: str
    """The release's."""
    apps: str
    """Where instances and routes are, on edge-a."""
    there: str
    """Where instances are, on edge-b."""
    gateway: Traefik
    token: str = field(default_factory=lambda: secrets.token_hex(24))
    """Of the scope admin."""

    @classmethod
    @asynccontextmanager
    async def open(cls, edge_a: Edge, edge_b: Edge, database: str, folder: Path) -> AsyncIterator["Surroundings"]:
        """For as long as the block runs."""
        system = new_system(folder)
        system.certificates = issue(folder, [site.host_of("*")])
        domain = site.host_of("*").partition(".")[2]
        async with AsyncExitStack() as stack:
            stack.push_async_callback(stop, system)
            here = [await stack.enter_async_context(edge_a.namespace()) for _ in range(3)]
            there = await stack.enter_async_context(edge_b.namespace())
            gateway = Traefik(edge_a, here[2], domain, system.certificates)
            found = cls(edge_a, edge_b, system, database, here[0], here[1], there, gateway)
            await asyncio.to_thread(Hub(edge_a.kubeconfig).has_gateway_api)
            await gateway.start()
            stack.push_async_callback(gateway.stop)
            await found._start_temporal()
            await found._tell()
            yield found

    @property
    def machine(self) -> str:
        """This machine, as pods reach it."""
        return Hub(self.edge_a.kubeconfig).seen_from()

    def values(self) -> dict[str, Any]:
        """What the release is told."""
        database = make_url(self.database)
        return self._common(APPLICATION) | {
            "database": {
                "host": self.machine,
                "port": database.port,
                "name": database.database,
                "user": database.username,
                "passwordSecret": {"name": "database"},
                "sslmode": "disable",
            },
            "temporal": {"address": f"{self.machine}:{self.system.ports.temporal}"},
            "tokens": {"serverSecret": {"name": "tokens"}, "clientSecret": {"name": "admin"}},
            "worker": {"replicas": 1, "versioning": {"enabled": True}},
            "gatewayControl": {"replicas": 1},
        }

    def trial(self) -> dict[str, Any]:
        """What a trial is told, which brings the rest."""
        return self._common(TRIED) | {"dev": {"enabled": True}}

    def _common(self, name: str) -> dict[str, Any]:
        return {
            "image": {"repository": REPOSITORY, "pullPolicy": "Never"},
            "configuration": self._configuration(name),
            "kubeconfigs": {B: {"secret": B, "key": "config"}},
            "files": {"authority": {"configMap": "authority"}},
            "rights": {
                "applications": [self.apps],
                "routes": [self.apps],
                "gateways": [self.gateway.namespace],
                "nodes": True,
            },
            "api": {"replicas": 1, "service": {"type": "NodePort"}},
            "test": {"application": name, "target": B},
        }

    def _configuration(self, name: str) -> Mapping[str, Any]:
        file = {"kind": "kubeconfig", "file": f"/etc/relocate/kubeconfigs/{B}/config"}
        found = application(name, _manifests(name), GATEWAY, POLICY).model_dump(
            mode="json", exclude={"name"}, exclude_defaults=True
        )
        return {
            "gateways": {GATEWAY: {"adapter": "gateway_api", "settings": self._gateway()}},
            "clusters": {
                A: _cluster({"kind": "in_cluster"}, self.apps),
                B: _cluster(file, self.there),
            },
            "applications": {name: found},
        }

    def _gateway(self) -> Mapping[str, Any]:
        return {
            "connection": {"kind": "in_cluster"},
            "namespace": self.apps,
            "gateway": {"name": "edge", "namespace": self.gateway.namespace, "listener": "https"},
            "replicas": {"name": "traefik", "port": "https", "admin_port": ADMIN_PORT},
            "tls": {"ca_file": "/etc/relocate/files/authority/ca.pem"},
            "implementation": "traefik",
        }

    async def _start_temporal(self) -> None:
        # On every address: its parts find each other on loopback.
        await self.system.start_temporal("0.0.0.0")

        async def listens() -> bool:
            return await asyncio.to_thread(accepts, self.machine, self.system.ports.temporal)

        await self.system.processes.wait_for("temporal", listens)

    async def _tell(self) -> None:
        """Make the Secrets, as an operator does before."""
        account = Account(self.edge_b, self.there)
        await account.grant()
        kubeconfig = await account.kubeconfig(self.system.folder)
        admin = {"name": "helm", "token": self.token, "scopes": ["admin"]}
        await self._secret("tokens", "tokens", json.dumps([admin]))
        await self._secret("admin", "token", self.token)
        await self._secret("database", "password", str(make_url(self.database).password))
        await self._secret(B, "config", kubeconfig.read_text())
        authority = {"ca.pem": self.system.certificates.ca.read_text()}
        await self.edge_a.api.create(self._object("ConfigMap", "authority") | {"data": authority})

    async def _secret(self, name: str, key: str, value: str) -> None:
        data = {key: base64.b64encode(value.encode()).decode()}
        await self.edge_a.api.create(self._object("Secret", name) | {"data": data})

    def _object(self, kind: str, name: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": self.namespace}}


def _manifests(name: str) -> list[dict[str, Any]]:
    """The sample's; without a request it would get what processor time everybody else leaves."""
    found = manifests(name)
    found[0]["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "250m"}}
    return found


def _cluster(connection: Mapping[str, Any], namespace: str) -> Mapping[str, Any]:
    return {"driver": "kubernetes", "settings": {"connection": connection, "namespaces": [namespace]}}
