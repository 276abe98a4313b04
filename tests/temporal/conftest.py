# SPDX-License-Identifier: Apache-2.0
"""The whole service on a Temporal that wants TLS, a client certificate and an API key, and that may read no payload."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.drills.move import Move
from tests.systems import SESSION, share_loop
from tests.temporal.secured import Secured, secured


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They share one system, and so its event loop."""
    share_loop(items, "temporal", 180)


@pytest_asyncio.fixture(**SESSION)
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    """It runs, and its application is placed."""
    async with secured(tmp_path_factory.mktemp("secured")) as service:
        yield service


@pytest_asyncio.fixture(**SESSION)
async def moved(service: Secured) -> Move:
    """A relocation that has completed."""
    move = await service.begins()
    await service.completes(move)
    return move
