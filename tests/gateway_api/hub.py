# SPDX-License-Identifier: Apache-2.0
"""The cluster in which Gateways are configured: the test bed's hub."""

import asyncio
import json
import os
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml

from relocate.clusters.kubernetes.objects import condition
from steering.gateway_api.names import HTTP_ROUTE
from steering.kubernetes.api import Api
from steering.kubernetes.connection import Kubeconfig
from steering.kubernetes.errors import NotFound
from steering.kubernetes.objects import Kind
from tests.programs.build import HERE as PROGRAMS

Json = dict[str, Any]
_T = TypeVar("_T")

NAMESPACE, SECRET = Kind("v1", "Namespace"), Kind("v1", "Secret")
DEFINITION = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
CLASS = Kind("gateway.networking.k8s.io/v1", "GatewayClass")
ESTABLISH_SECONDS = 20.0
_MANAGER = "edge-relocation-tests"


class Hub:
    """One API server."""

    here: ClassVar["Hub"]
    """The one that this run of the tests uses."""

    def __init__(self, kubeconfig: Path) -> None:
        """Args: kubeconfig: of an administrator."""
        self.kubeconfig = kubeconfig

    def ask(self, question: Callable[[Api], Awaitable[_T]]) -> _T:
        """Ask it something, outside of any event loop."""

        async def asked() -> _T:
            api = Api(Kubeconfig(file=self.kubeconfig), manager=_MANAGER, seconds=30.0)
            try:
                return await question(api)
            finally:
                await api.close()

        return asyncio.run(asked())

    def apply(self, *objects: Json) -> None:
        """Server-side apply, one after the other."""

        async def all_of_them(api: Api) -> None:
            for one in objects:
                await api.apply(one)

        self.ask(all_of_them)

    def has_gateway_api(self) -> None:
        """Make sure that it knows Gateways: a cluster that does already keeps the version it has."""
        if not self.ask(_knows_routes):
            self.define(gateway_api())

    def define(self, definitions: Sequence[Json]) -> None:
        """Make new kinds known, and wait until objects of them can be made."""
        self.apply(*definitions)
        names = [one["metadata"]["name"] for one in definitions if one["kind"] == DEFINITION.name]

        async def established(api: Api) -> bool:
            found = [await api.get(DEFINITION, None, name) for name in names]
            return all(condition(one, "Established").get("status") == "True" for one in found)

        deadline = time.monotonic() + ESTABLISH_SECONDS
        while not self.ask(established):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not established: {', '.join(names)}")
            time.sleep(0.1)

    def delete(self, kind: Kind, name: str) -> None:
        """Ask a cluster-scoped object to go."""

        async def gone(api: Api) -> None:
            with suppress(NotFound):
                await api.delete(kind, None, name)

        self.ask(gone)

    def through(self, server: str, file: Path) -> Path:
        """A kubeconfig like its own, by way of another address."""
        content = yaml.safe_load(self.kubeconfig.read_text())
        content["clusters"][0]["cluster"]["server"] = server
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(content))
        return file

    def as_bearer(self, token: str, file: Path) -> Path:
        """A kubeconfig like its own, for somebody else."""
        content = yaml.safe_load(self.kubeconfig.read_text())
        content["users"][0]["user"] = {"token": token}
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(content))
        return file

    @property
    def address(self) -> tuple[str, int]:
        """Where its API server listens."""
        server = yaml.safe_load(self.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        host, _, port = server.removeprefix("https://").rpartition(":")
        return host.strip("[]"), int(port)

    def seen_from(self) -> str:
        """This machine's own address on the way there: EndpointSlices take no loopback."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect(self.address)
            return str(way.getsockname()[0])


async def _knows_routes(api: Api) -> bool:
    try:
        await api.resource(HTTP_ROUTE)
    except NotFound:
        return False
    return True


def gateway_api() -> Sequence[Json]:
    """The Gateway API's object definitions, standard channel, in the version that go.mod names."""
    folder = module_folder("gateway_api", "sigs.k8s.io/gateway-api") / "config" / "crd" / "standard"
    texts = [file.read_text() for file in sorted(folder.glob("gateway.networking.k8s.io_*.yaml"))]
    return [one for text in texts for one in yaml.safe_load_all(text) if one]


def module_folder(program: str, module: str) -> Path:
    """Where Go keeps a module that a program here needs; fetched where it is not there yet."""
    found = subprocess.run(
        ["go", "mod", "download", "-json", module],
        cwd=PROGRAMS / program,
        env=os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(json.loads(found.stdout)["Dir"])
