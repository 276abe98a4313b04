# SPDX-License-Identifier: Apache-2.0
"""Who dies with whom: worker, agent, watchdog, instance, grandchild. All are real processes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

from relocate.clusters.contract import InstanceState
from relocate.clusters.process import ProcessDriver

DEPLOY = (
    "import asyncio, json, sys, time\n"
    "from relocate.clusters.contract import Workload\n"
    "from relocate.clusters.process import ProcessDriver\n"
    "from steering.model import Fence\n"
    "asyncio.run(ProcessDriver.open('mec-a', {'url': sys.argv[1]}).deploy(Workload(**json.loads(sys.argv[2])), Fence(lease=1, sequence=1)))\n"
    "print('deployed', flush=True)\n"
    "time.sleep(60)\n"
)


async def ended(alive, processes, within):
    """Seconds until none of the processes lives; fails after `within`."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while any(map(alive, processes)):  # noqa: ASYNC110 - the kernel's events
            await asyncio.sleep(0.005)
    return time.monotonic() - began


async def test_a_killed_agent_takes_every_instance_and_grandchild_with_it(process, agent, family, alive):
    """SIGKILL to the agent: within 2 s no process is left, not even a grandchild in a session of its own."""
    await process.deploy(process.workload("echo-1", "parent", "stubborn"))
    await process.reaches("echo-1", InstanceState.RUNNING)
    processes = await family(process, "echo-1")
    watchdog = agent.watchdog()
    agent.end(signal.SIGKILL)
    await ended(alive, [*processes, watchdog], within=2)


async def test_instances_die_with_the_agent_without_its_watchdog(process, agent, family, alive):
    """The kernel ends the instance itself even when the watchdog was killed first."""
    await process.deploy(process.workload("echo-1", "stubborn"))
    await process.reaches("echo-1", InstanceState.RUNNING)
    processes = await family(process, "echo-1")
    os.kill(agent.watchdog(), signal.SIGKILL)
    agent.end(signal.SIGKILL)
    await ended(alive, processes, within=2)


async def test_a_new_agent_ends_what_a_former_one_left(process, agent, family, alive, start_agent):
    """A grandchild that outlived agent and watchdog ends when an agent starts in the same directory."""
    await process.deploy(process.workload("echo-1", "parent"))
    await process.reaches("echo-1", InstanceState.RUNNING)
    grandchild = (await family(process, "echo-1"))[1]
    os.kill(agent.watchdog(), signal.SIGKILL)
    agent.end(signal.SIGKILL)
    assert alive(grandchild)
    start_agent()
    await ended(alive, [grandchild], within=1)


async def test_an_agent_that_is_asked_to_end_ends_its_instances(process, agent, family, alive):
    """SIGTERM to the agent: instances get SIGTERM, then the agent exits with status 0."""
    await process.deploy(process.workload("echo-1", "parent"))
    await process.reaches("echo-1", InstanceState.RUNNING)
    processes = await family(process, "echo-1")
    assert agent.end(signal.SIGTERM) == 0
    assert not any(map(alive, processes))
    assert not (agent.directory / "agent.json").exists()


def deployed_by_a_worker(url, order):
    """A worker process that has deployed the order, and goes on living."""
    worker = subprocess.Popen([sys.executable, "-c", DEPLOY, url, order], stdout=subprocess.PIPE)
    assert worker.stdout.readline() == b"deployed\n"
    return worker


async def test_a_killed_worker_takes_no_instance_with_it(process, agent, alive, family):
    """SIGKILL to the process that deployed: the instance goes on."""
    worker = deployed_by_a_worker(agent.url, process.workload("echo-1").model_dump_json())
    before = await process.reaches("echo-1", InstanceState.RUNNING)
    worker.kill()
    worker.communicate()
    processes = await family(process, "echo-1")
    await asyncio.sleep(0.2)
    assert all(map(alive, processes))
    assert await process.driver.observe("echo", "echo-1") == before


async def test_an_instance_that_ends_takes_its_grandchildren_with_it(process, family, alive):
    """When the process ends by itself, nothing that it started goes on."""
    await process.deploy(process.workload("echo-1", "parent"))
    await process.reaches("echo-1", InstanceState.RUNNING)
    processes = await family(process, "echo-1")
    await process.crash("echo-1")
    await process.reaches("echo-1", InstanceState.FAILED)
    assert not any(map(alive, processes))
    assert await process.driver.gone("echo", "echo-1") is True


async def test_an_instance_that_ignores_sigterm_is_killed_after_its_grace_time(process, family, alive):
    """Remove returns at once; the instance is stopping until its grace time is over, then gone."""
    await process.deploy(process.workload("echo-1", "stubborn", "parent", grace_seconds=0.4))
    await process.reaches("echo-1", InstanceState.RUNNING)
    processes = await family(process, "echo-1")
    began = time.monotonic()
    await process.remove("echo-1")
    assert (await process.driver.observe("echo", "echo-1")).state is InstanceState.STOPPING
    assert await process.driver.gone("echo", "echo-1") is False
    await process.is_gone("echo-1")
    assert 0.4 <= time.monotonic() - began < 2
    assert not any(map(alive, processes))


async def test_an_instance_is_started_again_when_its_workload_says_so(process):
    """With `restart: on-failure` a crashed instance runs again, on the same ports."""
    await process.deploy(process.workload("echo-1", restart="on-failure"))
    before = await process.reaches("echo-1", InstanceState.RUNNING)
    await process.crash("echo-1")
    again = await process.reaches("echo-1", InstanceState.STARTING)
    assert again.reason.startswith("exited with status 3")
    assert (await process.reaches("echo-1", InstanceState.RUNNING)).endpoints == before.endpoints


async def test_an_instance_is_removed_while_it_waits_to_be_started_again(process):
    """Remove does not wait for the next start."""
    await process.deploy(process.workload("echo-1", "fails", restart="on-failure"))
    async with asyncio.timeout(5):
        while "is started again" not in (await process.driver.observe("echo", "echo-1")).reason:  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.01)
    await process.remove("echo-1")
    await process.is_gone("echo-1")


def test_an_agent_alone_uses_its_directory(agent):
    """A second agent in the same directory does not start."""
    start = (
        "import sys; from pathlib import Path; from relocate.clusters.process.agent import AgentRunsAlready, run_agent\n"
        "try: run_agent('mec-a', '127.0.0.1', 0, Path(sys.argv[1]))\n"
        "except AgentRunsAlready as error: sys.exit(str(error))"
    )
    second = subprocess.run(
        [sys.executable, "-c", start, str(agent.directory)], capture_output=True, timeout=20, check=False
    )
    assert second.returncode == 1
    assert b"another agent uses" in second.stderr
    assert json.loads((agent.directory / "agent.json").read_text())["pid"] == agent.process.pid


async def test_an_agent_that_was_restarted_has_no_instances(process, agent, start_agent):
    """Its instances ended with it: they are absent and gone, which is the truth."""
    await process.deploy(process.workload("echo-1"))
    agent.end(signal.SIGKILL)
    driver = ProcessDriver.open("mec-a", {"url": start_agent().url})
    said = await driver._status("echo", "echo-1")
    assert (said.state, said.gone) == (InstanceState.ABSENT, True), said
    await driver.close()


async def test_the_reason_of_a_failed_start_is_its_last_line(process):
    """What an instance wrote last to stderr is the reason one reads."""
    await process.deploy(process.workload("echo-1", "fails"))
    seen = await process.reaches("echo-1", InstanceState.FAILED)
    assert seen.reason.startswith("exited with status 3 after 0.")
    assert seen.reason.endswith("s: configuration is wrong")


async def test_an_instance_that_was_killed_names_the_signal(process, family):
    """A signal is named as people know it."""
    await process.deploy(process.workload("echo-1"))
    await process.reaches("echo-1", InstanceState.RUNNING)
    os.kill((await family(process, "echo-1"))[0], signal.SIGKILL)
    assert (await process.reaches("echo-1", InstanceState.FAILED)).reason.startswith("was ended by SIGKILL after ")
