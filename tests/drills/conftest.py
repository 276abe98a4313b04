# SPDX-License-Identifier: Apache-2.0
"""The service, started once with every part as a process of its own; each drill has an application of its own on it."""

import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from inspect import iscoroutinefunction
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from relocate.demo.system import System, new_system, stop
from relocate.demo.traffic.plan import Flow
from tests.drills.disk import SmallDisk
from tests.drills.scene import FLOWS, Scene

SESSION = {"scope": "session", "loop_scope": "session"}
"""The processes belong to one event loop, which all drills share."""

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Drills run in the loop of the system they share, and may take as long as real processes do on a busy machine."""
    for item in items:
        if "drills" not in item.path.parts:
            continue
        item.add_marker(pytest.mark.timeout(180))
        if isinstance(item, pytest.Function) and iscoroutinefunction(item.function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(**SESSION)
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """Temporal, API, worker, gateway control, two Envoys, two clusters."""
    system = new_system(tmp_path_factory.mktemp("system"))
    try:
        await system.start(lambda _: None)
        await system.configure()
        yield system
    finally:
        await stop(system)


@pytest_asyncio.fixture(loop_scope="session")
async def system(shared: System) -> System:
    """The same, whole again if a drill left something dead."""
    shared.processes.check()
    return shared


@pytest_asyncio.fixture(loop_scope="session")
async def stage(system: System) -> AsyncIterator[Callable[..., Awaitable[Scene]]]:
    """Makes the drill's scene; what `describe` takes says how the application differs."""
    opened: list[Scene] = []

    async def make(flows: Sequence[Flow] = FLOWS, **described: Any) -> Scene:
        scene = Scene(system, f"drill-{next(_numbers)}", flows)
        opened.append(scene)
        await scene.open(**described)
        return scene

    yield make
    for scene in opened:
        await scene.close()


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
        try:
            await system.start(lambda _: None)
            await system.configure()
            yield system, disk
        finally:
            await stop(system)
