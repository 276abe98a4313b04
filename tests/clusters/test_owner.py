# SPDX-License-Identifier: Apache-2.0
"""What an agent's instances do when orders cross each other."""

import asyncio
import secrets

import pytest

from relocate.clusters.contract import InstanceState
from relocate.clusters.process import marks
from relocate.clusters.process.owner import Busy, Owner
from relocate.clusters.process.wire import Order, ProcessWorkload
from steering.model import Fence

KEY = ("echo", "echo-1")
ORDER = Order(workload=ProcessWorkload(command=("sleep", "600")))
FENCE = Fence(lease=1, sequence=1)


@pytest.fixture
async def owner(tmp_path):
    """An owner whose instances end with the test, and with nothing left."""
    mark = secrets.token_hex(16)
    opened = Owner("mec-a", "127.0.0.1", tmp_path, mark)
    yield opened
    await opened.close()
    assert not marks.any_marked(mark, whole=False)


async def test_an_instance_that_is_removed_while_it_is_being_started_ends(owner):
    """A remove that overtakes the start leaves no process behind."""
    deploying = asyncio.create_task(owner.deploy(KEY, ORDER, FENCE))
    await asyncio.sleep(0)
    owner.remove(KEY, FENCE)
    assert (await deploying).state is InstanceState.STOPPING
    async with asyncio.timeout(5):
        while not (await owner.status(KEY)).gone:  # noqa: ASYNC110 - the kernel's events
            await asyncio.sleep(0.01)
    assert (await owner.status(KEY)).state is InstanceState.ABSENT


async def test_an_owner_that_closes_starts_nothing(owner):
    """Whoever asks meanwhile is told to ask again."""
    await owner.deploy(KEY, ORDER, FENCE)
    closing = asyncio.create_task(owner.close())
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await owner.deploy(("echo", "echo-2"), ORDER, FENCE)
    await closing
    assert (await owner.status(KEY)).gone


async def test_an_instance_without_ports_runs_as_soon_as_its_process_does(owner):
    """There is nothing else to wait for."""
    assert (await owner.deploy(KEY, ORDER, FENCE)).state is InstanceState.RUNNING
