# SPDX-License-Identifier: Apache-2.0
"""Two real Envoys, each with a real Contour of its own, as Contour gives every Envoy the same address to bind."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from relocate.demo.processes import free_ports
from tests.gateway_api.forwarder import Forwarder
from tests.gateway_api.hub import Hub, module_folder
from tests.gateway_api.site import Json, Site, accepts
from tests.programs.build import CONTOUR, build

_NOT_SERVED = ("tlsroutes", "tcproutes", "backendtlspolicies")
"""Contour 1.33 asks for versions that are not in the standard channel any more."""
_ADDED = 8000
"""What Contour adds to a listener's port."""


class ContourSite(Site):
    """Each Envoy reaches its Contour on a line of its own."""

    implementation = "contour"
    controller = "projectcontour.io/gateway-controller"

    def __init__(self, hub: Hub, **told: Any) -> None:
        """Args: as for every site."""
        super().__init__(hub, **told)
        self._program = str(build(CONTOUR) / "contour")

    @property
    def listener_port(self) -> int:
        """Contour lets Envoy bind another."""
        return self.port - _ADDED

    def start(self) -> None:
        """With Contour's own object definitions."""
        self.hub.define(definitions())
        super().start()

    def start_replica(self, name: str) -> None:
        """A Contour, and then its Envoy."""
        xds = self._start_contour(name)
        self.lines[name] = Forwarder("127.0.0.1", xds)
        bootstrap = self.folder / f"{name}.json"
        line = ["--xds-address=127.0.0.1", f"--xds-port={self.lines[name].start()}"]
        admin = f"--admin-address={self.folder / name}.sock"
        subprocess.run([self._program, "bootstrap", str(bootstrap), *line, admin], check=True, capture_output=True)
        self.restart_replica(name)

    def restart_replica(self, name: str) -> None:
        """The Envoy alone."""
        bootstrap = self.folder / f"{name}.json"
        node = ["--service-cluster", "contour", "--service-node", name]
        envoy = [str(Path(sys.executable).with_name("envoy")), "-c", str(bootstrap), *node]
        self.run(name, [*envoy, "--concurrency", "2", "-l", "warning", "--use-dynamic-base-id"])
        self.wait_for(lambda: accepts(*self.admin(name)), name)

    def _start_contour(self, name: str) -> int:
        host, admin = self.admin(name)
        file = self.folder / f"{name}.contour.yaml"
        file.write_text(json.dumps({"gateway": {"gatewayRef": {"namespace": self.name, "name": "edge"}}}))
        own = dict(zip(("xds", "http", "health", "debug-http"), free_ports(4), strict=True))
        addresses = [f"--{what}-address=127.0.0.1" for what in own] + [
            f"--{what}-port={at}" for what, at in own.items()
        ]
        envoy = [f"--envoy-service-{what}-address={host}" for what in ("http", "https")]
        options = [f"--kubeconfig={self.hub.kubeconfig}", f"--config-path={file}", f"--watch-namespaces={self.name}"]
        options += [f"--disable-feature={one}" for one in _NOT_SERVED]
        options += ["--insecure", "--disable-leader-election", f"--stats-address={host}", f"--stats-port={admin}"]
        self.run(f"{name}.contour", [self._program, "serve", *options, *addresses, *envoy])
        self.wait_for(lambda: accepts("127.0.0.1", own["xds"]), f"{name}.contour")
        return own["xds"]


def definitions() -> Sequence[Json]:
    """Contour's own object definitions, in the version that go.mod names."""
    text = (module_folder("contour", "github.com/projectcontour/contour") / "examples/contour/01-crds.yaml").read_text()
    return [one for one in yaml.safe_load_all(text) if one]
