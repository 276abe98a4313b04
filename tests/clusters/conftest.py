# SPDX-License-Identifier: Apache-2.0
"""Real agents, and the same few questions to every kind of cluster."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from relocate.clusters.contract import ClusterDriver, Workload
from relocate.clusters.memory import MemoryDriver
from relocate.clusters.process import ProcessDriver
from relocate.store.migrate import prepare
from tests.clusters.conversation import Conversation
from tests.clusters.emco.world import ENDPOINT, workload, world

SERVER = str(Path(__file__).with_name("server.py"))

START = (
    "import sys; from pathlib import Path; from relocate.clusters.process.agent import run_agent;"
    "run_agent('mec-a', '127.0.0.1', 0, Path(sys.argv[1]), token=sys.argv[2] or None)"
)


@dataclass
class Agent:
    """One running agent."""

    process: subprocess.Popen[bytes]
    url: str
    directory: Path

    def end(self, number: signal.Signals) -> int:
        """Send it a signal, wait, return its status."""
        self.process.send_signal(number)
        return self.process.wait(10)

    def watchdog(self) -> int:
        """Process id of its watchdog: its only child that is a copy of it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        own = Path(f"/proc/{self.process.pid}/cmdline").read_bytes()
        return next(int(child) for child in children if Path(f"/proc/{child}/cmdline").read_bytes() == own)


@pytest.fixture
def start_agent(tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    """Start agents, each in a directory; what still runs in the end is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def start(directory: str = "agent", token: str = "") -> Agent:
        path = tmp_path / directory
        process = subprocess.Popen([sys.executable, "-c", START, str(path), token], stdout=subprocess.DEVNULL)
        started.append(process)
        return Agent(process, _announced(path / "agent.json", process), path)

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(15)


def _announced(file: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(FileNotFoundError):
            said = json.loads(file.read_text())
            if said["pid"] == process.pid:
                return str(said["url"])
        time.sleep(0.01)
    pytest.fail("the agent did not announce itself within 10 s")


@pytest.fixture
def agent(start_agent: Callable[..., Agent]) -> Agent:
    """One agent."""
    return start_agent()


@pytest.fixture
async def process(agent: Agent) -> AsyncIterator[Conversation]:
    """A conversation with a `process` cluster."""
    driver = ProcessDriver.open("mec-a", {"url": agent.url})
    conversation = Conversation(driver, _process_workload, lambda name: _exit(driver, name), lambda: _kill(agent))
    yield conversation
    await driver.close()


@pytest.fixture
def memory() -> Conversation:
    """A conversation with a `memory` cluster."""
    MemoryDriver.clusters.clear()
    driver = MemoryDriver.open("mec-a", {})

    async def crash(instance: str) -> None:
        driver.cluster.crash("echo", instance, "exited with status 3: a drill told me to")

    def break_off() -> None:
        driver.cluster.faults.unavailable = True

    return Conversation(driver, _memory_workload, crash, break_off)


@pytest.fixture
async def emco(tmp_path: Path) -> AsyncIterator[Conversation]:
    """A conversation with an `emco` cluster, on which EMCO can put a group that runs on another one."""
    url = f"sqlite:///{tmp_path / 'relocate.db'}"
    prepare(url)
    async with world(url) as made:
        await made.begin()
        endpoints = {"echo": {"http": [ENDPOINT]}}
        yield Conversation(made.driver(made.b, companion=None, endpoints=endpoints), _emco_workload, _never, _nothing)


@pytest.fixture(params=["memory", "process", "emco"])
def cluster(request: pytest.FixtureRequest) -> Conversation:
    """A conversation with each kind of cluster that deploys."""
    found: Conversation = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["memory", "process"])
def own(request: pytest.FixtureRequest) -> Conversation:
    """A conversation with each kind of cluster on which no other orchestrator has its say.

    EMCO runs one copy of an application on a cluster, says what is not ready and not why, and keeps none of our fences.
    """
    found: Conversation = request.getfixturevalue(request.param)
    return found


def _process_workload(instance: str, *manners: str, ports: tuple[str, ...] = ("http",), **settings: Any) -> Workload:
    command = ["{python}", "-I", "-S", SERVER, "{port:http}", *manners]
    return Workload(application="echo", instance=instance, ports=ports, settings={"command": command} | settings)


def _memory_workload(instance: str, **settings: Any) -> Workload:
    return Workload(application="echo", instance=instance, ports=("http",), settings=settings)


def _emco_workload(instance: str) -> Workload:
    return workload(instance).model_copy(update={"application": "echo"})


async def _never(instance: str) -> None:
    raise NotImplementedError(f"{instance}: EMCO tells of no crash")


def _nothing() -> None:
    raise NotImplementedError("what EMCO does not answer is tested in tests/clusters/emco")


async def _exit(driver: ClusterDriver, instance: str) -> None:
    await tell(driver, instance, b"exit 3")


def _kill(agent: Agent) -> None:
    agent.end(signal.SIGKILL)


async def tell(driver: ClusterDriver, instance: str, command: bytes) -> str:
    """Send a command to a test server; its answer."""
    endpoint = (await driver.observe("echo", instance)).endpoints["http"][0]
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    writer.write(command)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


@pytest.fixture
def family() -> Callable[[Conversation, str], Awaitable[list[int]]]:
    """Process ids of an instance and its grandchild."""

    async def ask(conversation: Conversation, instance: str) -> list[int]:
        return [int(part) for part in (await tell(conversation.driver, instance, b"children")).split()]

    return ask


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Whether a process lives; one that waits to be buried does not."""

    def judge(process: int) -> bool:
        try:
            os.kill(process, 0)
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (ProcessLookupError, FileNotFoundError):
            return False

    return judge
