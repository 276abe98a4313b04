# SPDX-License-Identifier: Apache-2.0
"""A database of its own for each test, with the schema that migrations make: every kind of database that we can live on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from relocate.store.database import Database
from relocate.store.migrate import prepare
from steering.store.engine import engine
from tests.containers.postgresql import Server

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared database, made once."""
    file = tmp_path_factory.mktemp("template") / "relocate.db"
    prepare(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgresql_template(postgresql: Server, worker: str) -> str:
    """Name of a prepared database, made once by each process that runs tests."""
    name = f"template_{worker}"
    prepare(postgresql.create(name))
    return name


@pytest.fixture(scope="session")
def worker() -> str:
    """Which of the processes that run tests this is."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Of database."""
    return str(request.param)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path, worker: str) -> Iterator[str]:
    """Where a fresh, prepared database is."""
    if kind == "sqlite":
        file = tmp_path / "relocate.db"
        file.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        yield f"sqlite:///{file}"
        return
    server, template = (request.getfixturevalue(name) for name in ("postgresql", "postgresql_template"))
    with server.database(worker, template) as made:
        yield made


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path, worker: str) -> Iterator[str]:
    """Where a database without any table is."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with request.getfixturevalue("postgresql").database(worker) as made:
        yield made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A fresh database."""
    database = Database.open(url)
    yield database
    database.close()


@pytest.fixture
def made(url: str) -> Iterator[Engine]:
    """A fresh database, as `steering.store` sees it."""
    opened = engine(url)
    yield opened
    opened.dispose()
