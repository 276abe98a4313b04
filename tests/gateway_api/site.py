# SPDX-License-Identifier: Apache-2.0
"""A Gateway on a real API server, two real replicas that serve it, two backends: what every implementation needs.

Gateways run on this machine, outside of the cluster; backends listen where EndpointSlices may lead.
"""

import base64
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from relocate.demo.certificates import Certificates, issue
from relocate.demo.processes import free_ports
from steering.adapters.gateway_api import GatewayApiAdapter
from steering.gateway_api.names import GATEWAY
from steering.model import Backend, Endpoint
from tests.envoy.rig import DOMAIN, HERE as ENVOY_TESTS
from tests.gateway_api.forwarder import Forwarder
from tests.gateway_api.hub import CLASS, NAMESPACE, SECRET, Hub

Json = dict[str, Any]

LISTENER, SECRET_NAME = "https", "certificate"
WAIT_SECONDS = 30.0
REPLICAS = ("edge-1", "edge-2")


class Site(ABC):
    """Everything is a process or an object in a namespace of its own, and ends with `stop`."""

    implementation: ClassVar[str]
    controller: ClassVar[str]

    def __init__(self, hub: Hub, *, domain: str = DOMAIN, certificates: Certificates | None = None) -> None:
        """Args: hub: the API server; domain: of all hosts; certificates: of its listeners, if there are some already."""
        self.hub = hub
        self.domain = domain
        self._certificates = certificates
        self.host = hub.seen_from()
        # A Gateway's listener has one port, so replicas on one machine have an address each; the first is one that
        # EndpointSlices may hold.
        self.addresses = dict(zip(REPLICAS, (self.host, "127.0.0.2"), strict=True))
        self.name = f"gw-{self.implementation}-{secrets.token_hex(3)}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.port, self._admin_port = free_ports(2)
        self._backend_ports: dict[str, tuple[int, int]] = {}
        self.lines: dict[str, Forwarder] = {}
        """By replica: the way to where its configuration comes from."""

    def start(self) -> None:
        """Objects and replicas; returns when the replicas' admin interfaces answer."""
        self.hub.has_gateway_api()
        certificates = self._certificates or issue(self.folder, [f"*.{self.domain}"])
        self.ca_file = certificates.ca
        self.trust = ssl.create_default_context(cafile=str(certificates.ca))
        self.hub.apply(*self._objects(certificates))
        for replica in REPLICAS:
            self.start_replica(replica)

    def stop(self) -> None:
        """End every process, and remove what was put into the cluster; the lines last."""
        for name in list(self.processes):
            self.end(name)
        self.hub.delete(NAMESPACE, self.name)
        self.hub.delete(CLASS, self.name)
        shutil.rmtree(self.folder, ignore_errors=True)
        for line in self.lines.values():
            line.stop()

    @property
    def settings(self) -> Json:
        """The gateway's."""
        return {
            "connection": {"kind": "kubeconfig", "file": str(self.hub.kubeconfig)},
            "namespace": self.name,
            "gateway": {"name": "edge", "listener": LISTENER},
            "instances": [self._instance(name) for name in REPLICAS],
            "tls": {"ca_file": str(self.ca_file)},
            "implementation": self.implementation,
        }

    def adapter(self) -> GatewayApiAdapter:
        """A new one, as another process of the service would open it."""
        return GatewayApiAdapter.open("edge", self.settings, database_url="")

    def backend(self, name: str, *, ports: tuple[str, ...] = ("http",)) -> Backend:
        """Side `name` of a document."""
        listening = dict(zip(("http", "grpc"), self._backend_ports[name], strict=True))
        found = {port: (Endpoint(host=self.host, port=listening[port]),) for port in ports}
        return Backend(name=name, instance=f"{name}-1", endpoints=found)

    def start_backends(self) -> None:
        """Start both sides."""
        for name in ("a", "b"):
            self.start_backend(name)

    def start_backend(self, name: str) -> None:
        """Start an application that says this name, where it was before."""
        if name not in self._backend_ports:
            self._backend_ports[name] = tuple(free_ports(2))  # type: ignore[assignment]
        http, grpc = self._backend_ports[name]
        program = [sys.executable, str(ENVOY_TESTS / "backend.py"), name, str(http), str(grpc), self.host]
        self.run(name, program)
        self.wait_for(lambda: accepts(self.host, http), name)

    @abstractmethod
    def start_replica(self, name: str) -> None:
        """Start a replica of the gateway, and wait until its admin interface answers."""

    @abstractmethod
    def restart_replica(self, name: str) -> None:
        """Start one again that has ended, with what it had."""

    def cut(self, replica: str) -> AbstractContextManager[None]:
        """While entered, the replica cannot reach where its configuration comes from."""
        return self.lines[replica].cut()

    def admin(self, replica: str) -> tuple[str, int]:
        """Where its counters are."""
        return self.addresses[replica], self._admin_port

    def run(self, name: str, program: list[str], **environment: str) -> None:
        """Start a process."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                program, stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment
            )

    def end(self, name: str) -> None:
        """End a process without a warning."""
        process = self.processes.pop(name)
        process.kill()
        process.wait(timeout=WAIT_SECONDS)

    def wait_for(self, condition: Callable[[], bool], name: str) -> None:
        """Wait for a process to do something."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > deadline or self.processes[name].poll() is not None:
                log = (self.folder / f"{name}.log").read_text(errors="replace")
                raise TimeoutError(f"{name} did not come up\n{log[-3000:]}")
            time.sleep(0.05)

    def _instance(self, name: str) -> Json:
        host, admin = self.admin(name)
        return {
            "id": name,
            "address": {"host": self.addresses[name], "port": self.port},
            "admin": {"host": host, "port": admin},
        }

    def _objects(self, certificates: Certificates) -> list[Json]:
        pair = {"tls.crt": certificates.cert.read_bytes(), "tls.key": certificates.key.read_bytes()}
        return [
            _object(NAMESPACE, {"name": self.name}),
            _object(SECRET, self._meta(SECRET_NAME))
            | {"type": "kubernetes.io/tls", "data": {key: base64.b64encode(pem).decode() for key, pem in pair.items()}},
            _object(CLASS, {"name": self.name}) | {"spec": {"controllerName": self.controller}},
            _object(GATEWAY, self._meta("edge")) | {"spec": self._gateway()},
        ]

    def _gateway(self) -> Json:
        listener = {
            "name": LISTENER,
            "protocol": "HTTPS",
            "port": self.listener_port,
            "hostname": f"*.{self.domain}",
            "tls": {"mode": "Terminate", "certificateRefs": [{"name": SECRET_NAME}]},
        }
        return {"gatewayClassName": self.name, "listeners": [listener]}

    @property
    def listener_port(self) -> int:
        """The port that the Gateway object names."""
        return self.port

    def _meta(self, name: str) -> Json:
        return {"name": name, "namespace": self.name}


def accepts(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((host, port)) == 0


def _object(kind: tuple[str, str], metadata: Json) -> Json:
    return {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata}
