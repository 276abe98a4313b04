# SPDX-License-Identifier: Apache-2.0
"""A simulated EMCO for each test."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relocate.emco_sim.rsync import Release
from relocate.store.migrate import prepare
from tests.clusters.emco.world import World, world


@pytest.fixture(scope="session")
def database_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the service's with nothing in it, to be copied."""
    file = tmp_path_factory.mktemp("database") / "relocate.db"
    prepare(f"sqlite:///{file}")
    return file


@pytest.fixture
def database_url(database_file: Path, tmp_path: Path) -> str:
    """A fresh database of the service's."""
    return f"sqlite:///{shutil.copy(database_file, tmp_path)}"


@pytest.fixture
async def emco(database_url: str) -> AsyncIterator[World]:
    """An EMCO as of 22.03."""
    async with world(database_url) as made:
        yield made


@pytest.fixture
async def emco_main(database_url: str) -> AsyncIterator[World]:
    """An EMCO of its main branch, which leaves orphans."""
    async with world(database_url, Release.MAIN) as made:
        yield made
