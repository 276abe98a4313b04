# SPDX-License-Identifier: Apache-2.0
"""The service, started once with every part as a process of its own; each drill has an application of its own on it."""

import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from relocate.demo.system import System, new_system
from tests.drills.disk import SmallDisk
from tests.drills.scene import Scene, stages
from tests.systems import SESSION, running, share_loop

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Drills run in the loop of the system they share, and may take as long as real processes do on a busy machine."""
    share_loop(items, "drills", 180)


@pytest_asyncio.fixture(**SESSION)
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """Temporal, API, worker, gateway control, two Envoys, two clusters."""
    async with running(new_system(tmp_path_factory.mktemp("system"))) as system:
        yield system


@pytest_asyncio.fixture(loop_scope="session")
async def system(shared: System) -> System:
    """The same, whole again if a drill left something dead."""
    shared.processes.check()
    return shared


@pytest_asyncio.fixture(loop_scope="session")
async def stage(system: System) -> AsyncIterator[Callable[..., Awaitable[Scene]]]:
    """Makes the drill's scene."""
    async with stages(lambda flows: Scene(system, f"drill-{next(_numbers)}", flows)) as make:
        yield make


@pytest_asyncio.fixture(loop_scope="session")
async def small_disk(tmp_path: Path) -> AsyncIterator[tuple[System, SmallDisk]]:
    """A system of the drill's own, whose database lies on a disk that is soon full."""
    with ExitStack() as mounted:
        try:
            disk = mounted.enter_context(SmallDisk.mounted(tmp_path / "disk"))
        except (OSError, subprocess.CalledProcessError) as error:
            if os.environ.get("REQUIRE_ROOT_DRILLS") == "1":
                raise
            pytest.skip(f"no disk can be mounted here ({error}); REQUIRE_ROOT_DRILLS=1 makes this a failure")
        system = new_system(tmp_path)
        (tmp_path / "relocate.db").symlink_to(disk.folder / "relocate.db")
        async with running(system):
            yield system, disk
