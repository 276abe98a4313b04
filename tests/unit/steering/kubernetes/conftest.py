# SPDX-License-Identifier: Apache-2.0
"""An API server that says what the test wants, and whoever asks it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from steering.kubernetes.api import Api
from steering.kubernetes.connection import Kubeconfig
from tests.unit.steering.kubernetes.server import Server, kubeconfig


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server on loopback, and a kubeconfig for it."""
    said = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", said.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig(f"http://127.0.0.1:{port}", said.token)))
    yield said
    await runner.cleanup()


@pytest.fixture
async def api(server: Server, tmp_path: Path) -> AsyncIterator[Api]:
    """Asks that server."""
    found = Api(Kubeconfig(file=tmp_path / "kubeconfig"), manager="test", seconds=2.0)
    yield found
    await found.close()
