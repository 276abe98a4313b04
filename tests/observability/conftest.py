# SPDX-License-Identifier: Apache-2.0
"""The whole service, each part a process, with some relocations behind it; and Prometheus's own programs."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from relocate.demo.system import System, new_system
from tests.observability.collector import Collector, collecting
from tests.observability.scraping import Service
from tests.systems import SESSION, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these tests share one system, and so one event loop."""
    for item in items:
        if "observability" in item.path.parts:
            item.add_marker(pytest.mark.timeout(180))
            if isinstance(item, pytest.Function) and item.get_closest_marker("asyncio"):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def promtool() -> str:
    """Debian's package `prometheus` has it."""
    return _program("promtool")


@pytest.fixture(scope="session")
def prometheus() -> str:
    """The server."""
    return _program("prometheus")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed (Debian: apt-get install prometheus)"
        if os.environ.get("REQUIRE_PROMETHEUS") == "1":
            pytest.fail(reason)
        pytest.skip(f"{reason}; REQUIRE_PROMETHEUS=1 makes this a failure")
    return found


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the spans of the whole session go."""
    with collecting() as collector:
        yield collector


@pytest_asyncio.fixture(**SESSION)
async def system(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> AsyncIterator[System]:
    """Everything runs, and is traced."""
    system = new_system(tmp_path_factory.mktemp("system"))
    system.environment = {
        "RELOCATE_TRACING": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    async with running(system):
        yield system


@pytest_asyncio.fixture(**SESSION)
async def service(system: System) -> AsyncIterator[Service]:
    """The system after one relocation that completed, and one that was cancelled on its way and went back."""
    service = Service(system)
    await service.place()
    await service.relocate()
    await service.go_back()
    yield service
    await service.close()
