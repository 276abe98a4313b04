# SPDX-License-Identifier: Apache-2.0
"""A simulated EMCO for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relocate.emco_sim.rsync import Release
from relocate.store.migrate import prepare
from tests.clusters.emco.world import World, world


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """A fresh database of the service's."""
    url = f"sqlite:///{tmp_path / 'relocate.db'}"
    prepare(url)
    return url


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
