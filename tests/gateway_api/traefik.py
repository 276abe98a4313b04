# SPDX-License-Identifier: Apache-2.0
"""Two real Traefiks, at their default throttle."""

import sys
from pathlib import Path

from tests.gateway_api.forwarder import Forwarder
from tests.gateway_api.site import Site, accepts


class TraefikSite(Site):
    """Each reaches the API server on a line of its own."""

    implementation = "traefik"
    controller = "traefik.io/gateway-controller"

    def start_replica(self, name: str) -> None:
        """By its own address, with its own kubeconfig."""
        self.lines[name] = Forwarder(*self.hub.address)
        server = f"https://127.0.0.1:{self.lines[name].start()}"
        self.hub.through(server, self.folder / f"{name}.kubeconfig")
        self.restart_replica(name)

    def restart_replica(self, name: str) -> None:
        """The process alone."""
        address, (_, admin) = self.addresses[name], self.admin(name)
        options = {
            "entrypoints.https.address": f"{address}:{self.port}",
            "entrypoints.admin.address": f"{address}:{admin}",
            "providers.kubernetesgateway": "true",
            "providers.kubernetesgateway.namespaces": self.name,
            "metrics.prometheus": "true",
            "metrics.prometheus.entrypoint": "admin",
            "metrics.prometheus.addserviceslabels": "true",
            "global.checknewversion": "false",
            "global.sendanonymoususage": "false",
        }
        program = [
            str(Path(sys.executable).with_name("traefik")),
            *(f"--{key}={value}" for key, value in options.items()),
        ]
        self.run(name, program, KUBECONFIG=str(self.folder / f"{name}.kubeconfig"))
        self.wait_for(lambda: accepts(address, admin), name)
