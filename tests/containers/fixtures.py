# SPDX-License-Identifier: Apache-2.0
"""Containers for tests, started when the first test asks for one, and shared by all processes of the run."""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.containers.postgresql import Server

START_SECONDS = 60.0
END_SECONDS = 60.0
PAUSE_SECONDS = 0.05
COLD_SECONDS = 600
"""For a test that may have to build an image first."""

FOLDER, PROCESS = "EDGE_RELOCATION_TESTS_FOLDER", "EDGE_RELOCATION_TESTS_PROCESS"
"""In the environment of every process of a run: where they tell each other, and the process that ends last."""


@dataclass(frozen=True)
class Containers:
    """The engine of this run."""

    folder: Path
    """For what the processes of this run tell each other."""
    keeper: int
    """Process id of what removes the containers; it finds them by label."""

    @property
    def labels(self) -> dict[str, str]:
        """What each container is started with."""
        from tests.containers.keeper import LABEL  # noqa: PLC0415

        return {LABEL: str(self.keeper)}

    @contextmanager
    def once(self, name: str) -> Iterator[Path]:
        """A file that the first process of the run writes while the others wait; whoever finds it there reads it."""
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self.folder / f"{name}.json"


def pytest_configure() -> None:
    """The first process of a run makes the folder; its helpers (pytest-xdist) find it in their environment."""
    if FOLDER not in os.environ:
        os.environ |= {FOLDER: tempfile.mkdtemp(prefix="edge-relocation-"), PROCESS: str(os.getpid())}


@pytest.fixture(scope="session")
def containers() -> Containers:
    """A Docker engine, which the environment names (DOCKER_HOST); skips where there is none."""
    folder = Path(os.environ[FOLDER])
    with (folder / "engine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = _read(folder / "engine.json") or _start(folder / "engine.json")
    if reason := found.get("missing"):
        _skip(reason)
    if reason := found.get("failed"):
        pytest.fail(reason)
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    if found["own"]:
        os.environ |= {"DOCKER_HOST": found["host"], "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1"}
        os.environ["TESTCONTAINERS_CONNECTION_MODE"] = "docker_host"
    return Containers(folder, found["keeper"])


def pytest_unconfigure() -> None:
    """Nothing of a run is there when it has ended."""
    if os.environ.get(PROCESS) != str(os.getpid()):
        return
    folder = Path(os.environ.pop(FOLDER))
    found = _read(folder / "engine.json") or {}
    if "keeper" in found:
        _end(found["keeper"])
    shutil.rmtree(folder)


def _start(file: Path) -> dict[str, Any]:
    argv = ["setsid", "--fork", sys.executable, "-m", "tests.containers.keeper", os.environ[PROCESS], str(file)]
    with file.with_suffix(".log").open("w") as log:
        subprocess.run(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=True)
    deadline = time.monotonic() + START_SECONDS
    while (told := _read(file)) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"no engine: {file.with_suffix('.log').read_text()[-2000:]}")
        time.sleep(PAUSE_SECONDS)
    return told


def _end(keeper: int) -> None:
    try:
        watched = os.pidfd_open(keeper)
        signal.pidfd_send_signal(watched, signal.SIGTERM)
    except ProcessLookupError:
        return
    select.select([watched], [], [], END_SECONDS)
    os.close(watched)


def _read(file: Path) -> dict[str, Any] | None:
    return json.loads(file.read_text()) if file.exists() else None


def _skip(reason: str) -> None:
    if os.environ.get("REQUIRE_CONTAINERS") == "1":
        pytest.fail(f"{reason} (REQUIRE_CONTAINERS=1)")
    pytest.skip(f"{reason}; REQUIRE_CONTAINERS=1 makes this a failure")


@pytest.fixture(scope="session")
def postgresql(containers: Containers) -> "Server":
    """A PostgreSQL server for the whole run."""
    from tests.containers.postgresql import shared  # noqa: PLC0415, only where one is wanted

    return shared(containers)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever comes first may have to wait for an image that is built."""
    for item in items:
        if "containers" in getattr(item, "fixturenames", ()) or "postgresql" in item.name:
            item.add_marker(pytest.mark.timeout(COLD_SECONDS))
