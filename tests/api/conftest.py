# SPDX-License-Identifier: Apache-2.0
"""The API on a real SQLite database, with an in-memory orchestrator."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.tables import METADATA
from steering.store.tables import METADATA as ROUTES
from tests.api.memory_dispatch import MemoryDispatch

APPLICATION = {
    "kind": "Application",
    "name": "assist",
    "workloads": {"memory": {}},
    "routes": [{"name": "web", "hosts": ["assist.test"], "gateways": ["gw"], "ports": [{"name": "http"}]}],
    "readiness": {"probes": [{"kind": "http"}]},
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database with a schema."""
    database = Database.open(f"sqlite:///{tmp_path / 'test.db'}")
    METADATA.create_all(database.engine)
    ROUTES.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def catalogue(database: Database) -> Database:
    """One gateway, two clusters, a dedicated and a shared application."""
    database.catalogue.put(Gateway(name="gw", adapter="memory"))
    for cluster in ("mec-a", "mec-b"):
        database.catalogue.put(Cluster(name=cluster, driver="memory"))
    database.catalogue.put(Application.model_validate(APPLICATION))
    database.catalogue.put(Application.model_validate({**APPLICATION, "name": "maps", "sharing": "shared"}))
    return database


@pytest.fixture
def dispatch(catalogue: Database) -> MemoryDispatch:
    """The orchestrator's double."""
    return MemoryDispatch(catalogue)


@pytest.fixture
def make_app(catalogue: Database, dispatch: MemoryDispatch) -> Callable[..., FastAPI]:
    """The app with settings of the test's choice."""

    def make(**settings: object) -> FastAPI:
        url = str(catalogue.engine.url)
        return create_app(Settings.model_validate({"database_url": url, **settings}), catalogue, dispatch)

    return make


@pytest.fixture
def app(make_app: Callable[..., FastAPI]) -> FastAPI:
    """The app as on a laptop: loopback, no tokens."""
    return make_app()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who asks it."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
