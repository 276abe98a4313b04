# SPDX-License-Identifier: Apache-2.0
"""The real API on a free port, with an in-memory orchestrator behind it, and the command in this process."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from structlog.testing import capture_logs
from typer.testing import CliRunner

from api.app import create_app
from api.health import create_health
from relocate.cli.program import app as command
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.tables import METADATA
from tests.api.memory_dispatch import MemoryDispatch

APPLICATION = {
    "kind": "Application",
    "name": "assist",
    "workloads": {"memory": {}},
    "routes": [{"name": "web", "hosts": ["assist.test"], "gateways": ["gw"], "ports": [{"name": "http"}]}],
    "readiness": {"probes": [{"kind": "http"}]},
}


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Serve `app` in a thread on a free port of loopback; yields its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the API did not start"
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """One gateway, two clusters, one application."""
    database = Database.open(f"sqlite:///{tmp_path / 'test.db'}")
    METADATA.create_all(database.engine)
    database.catalogue.put(Gateway(name="gw", adapter="memory"))
    for cluster in ("mec-a", "mec-b"):
        database.catalogue.put(Cluster(name=cluster, driver="memory"))
    database.catalogue.put(Application.model_validate(APPLICATION))
    yield database
    database.close()


@pytest.fixture
def dispatch(database: Database) -> MemoryDispatch:
    """The orchestrator's double."""
    return MemoryDispatch(database)


@pytest.fixture
def make_app(database: Database, dispatch: MemoryDispatch) -> Callable[..., FastAPI]:
    """The API with settings of the test's choice."""

    def make(**settings: object) -> FastAPI:
        url = database.engine.url.render_as_string(hide_password=False)
        return create_app(Settings.model_validate({"database_url": url, **settings}), database, dispatch)

    return make


@pytest.fixture
def server(make_app: Callable[..., FastAPI]) -> Iterator[str]:
    """Address of the API. What it logs is kept out of what the command prints, in this same process."""
    with capture_logs(), listening(make_app()) as address:
        yield address


@pytest.fixture
def health(make_app: Callable[..., FastAPI], database: Database, dispatch: MemoryDispatch) -> Iterator[str]:
    """Address of the listener for health."""
    with listening(create_health(database, dispatch, make_app().state.registry)) as address:
        yield address


@pytest.fixture
def relocate(server: str):
    """Run the command against the server; gives exit code, stdout and stderr."""

    def run(*arguments: str, **more):
        return CliRunner(env={"RELOCATE_SERVER": server, "NO_COLOR": "1"}).invoke(command, arguments, **more)

    return run
