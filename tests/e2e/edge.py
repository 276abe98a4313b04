# SPDX-License-Identifier: Apache-2.0
"""One real cluster as tests use it: a namespace of their own, and a way to its API server that can be cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import yaml

from steering.kubernetes.api import Api
from steering.kubernetes.connection import Kubeconfig
from steering.kubernetes.errors import NotFound
from steering.kubernetes.objects import Kind
from tests.line import Line

NAMESPACE = Kind("v1", "Namespace")


@dataclass(frozen=True)
class Edge:
    """A cluster, asked as its administrator."""

    name: str
    kubeconfig: Path
    api: Api

    @classmethod
    @asynccontextmanager
    async def open(cls, name: str, kubeconfig: Path) -> AsyncIterator["Edge"]:
        """For as long as the block runs."""
        api = Api(Kubeconfig(file=kubeconfig), manager="e2e")
        try:
            yield cls(name, kubeconfig, api)
        finally:
            await api.close()

    @asynccontextmanager
    async def namespace(self) -> AsyncIterator[str]:
        """A namespace that nobody else uses; what is in it goes with it."""
        name = f"e2e-{token_hex(4)}"
        await self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        try:
            yield name
        finally:
            await self.api.delete(NAMESPACE, None, name)
            for kind in ("ClusterRoleBinding", "ClusterRole"):
                with suppress(NotFound):
                    await self.api.delete(Kind("rbac.authorization.k8s.io/v1", kind), None, f"edge-relocation-{name}")

    async def server(self) -> dict[str, Any]:
        """Where it is, as kubeconfigs say it."""
        content = yaml.safe_load(await asyncio.to_thread(self.kubeconfig.read_text))
        server: dict[str, Any] = content["clusters"][0]["cluster"]
        return server

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """A line to its API server, which can be cut."""
        there = urlsplit((await self.server())["server"])
        assert there.port is not None
        line = Line(there.port, host=str(there.hostname))
        await line.start()
        try:
            yield line
        finally:
            await line.close()
