# SPDX-License-Identifier: Apache-2.0
"""The project of compose/compose.yaml under a name of its own, on free ports, driven by the real Compose."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx

from relocate.demo.processes import free_ports
from steering.model import Endpoint
from tests.compose.images import FILE, NOWHERE, services
from tests.programs.build import COMPOSE, build

PORTS = ("RELOCATE_API_PORT", "TEMPORAL_UI_PORT", "ENVOY_1_PORT", "ENVOY_2_PORT", "PROMETHEUS_PORT")
UP_SECONDS = 400
NO_DNS = "127.0.0.1"


@dataclass(frozen=True)
class Stack:
    """One run of it."""

    name: str
    folder: Path
    """For the file that says what is different here."""
    labels: Mapping[str, str]
    ports: Mapping[str, int]
    """By the variable that says it."""

    @classmethod
    def choose(cls, name: str, folder: Path, labels: Mapping[str, str]) -> "Stack":
        """One that has not been started."""
        # The engine has no way out. So that nobody waits for a DNS: whoever is not known here is not found, at once.
        different = {service: {"labels": dict(labels), "dns": [NO_DNS]} for service in services()}
        different["first-start"].pop("dns")
        (folder / "here.json").write_text(json.dumps({"services": different}))
        return cls(name, folder, labels, dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))

    def up(self) -> None:
        """Start everything but Grafana, and wait until it is healthy; what ran once runs once more."""
        said = (
            "--detach",
            "--no-build",
            "--pull",
            "never",
            "--wait",
            "--wait-timeout",
            str(UP_SECONDS),
            "--scale",
            f"{NOWHERE}=0",
        )
        try:
            self.compose("up", *said)
        except subprocess.CalledProcessError as error:
            logs = self.compose("logs", "--no-color", "--tail", "30")
            raise RuntimeError(f"{error.stderr[-3000:]}\n{logs[-12000:]}") from error

    def down(self) -> None:
        """Take it away with its volumes."""
        self.compose("down", "--volumes", "--timeout", "10")

    def compose(self, *arguments: str) -> str:
        """What `docker compose` prints."""
        files = ("--file", str(FILE), "--file", str(self.folder / "here.json"))
        argv = [str(self._program), "--project-name", self.name, *files, "--profile", "full", *arguments]
        environment = {**os.environ, **{name: str(port) for name, port in self.ports.items()}}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def read(self, service: str, file: str) -> str:
        """A file in a service's container, as its user reads it."""
        return self.compose("exec", "--no-TTY", service, "cat", file)

    @cached_property
    def token(self) -> str:
        """The administrator's, where the README finds it."""
        return self.read("api", "/run/secrets/service/token")

    def url(self, port: str) -> str:
        """Of what is published there."""
        return f"http://127.0.0.1:{self.ports[port]}"

    def client(self) -> httpx.AsyncClient:
        """Of the API."""
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.AsyncClient(base_url=self.url("RELOCATE_API_PORT"), headers=headers, timeout=60, trust_env=False)

    @property
    def listeners(self) -> Mapping[str, Endpoint]:
        """Where users reach each Envoy."""
        told = {"envoy-1": "ENVOY_1_PORT", "envoy-2": "ENVOY_2_PORT"}
        return {name: Endpoint(host="127.0.0.1", port=self.ports[port]) for name, port in told.items()}

    @property
    def _program(self) -> Path:
        return build(COMPOSE) / "docker-compose"
