# SPDX-License-Identifier: Apache-2.0
"""The cluster in memory: each fault does what it says."""

import pytest

from relocate.clusters.contract import InstanceState, Workload
from relocate.clusters.memory import MemoryDriver
from relocate.errors import ClusterUnavailable, InvalidRequest
from steering.model import Fence

WORKLOAD = Workload(application="echo", instance="echo-1", ports=("http", "grpc"), settings={})
FENCE = Fence(lease=1, sequence=1)


@pytest.fixture(autouse=True)
def fresh():
    """No cluster from another test."""
    MemoryDriver.clusters.clear()


def opened(**faults):
    """A driver of a cluster with these faults."""
    return MemoryDriver.open("mec-a", {"faults": faults, "capacity": 10})


async def states(driver, times):
    """What is observed, time after time."""
    return [(await driver.observe("echo", "echo-1")).state.value for _ in range(times)]


async def test_an_instance_starts_after_so_many_looks():
    """`starts_after` counts observations, so that no test needs a clock."""
    driver = opened(starts_after=2)
    await driver.deploy(WORKLOAD, FENCE)
    assert await states(driver, 4) == ["starting", "starting", "running", "running"]


async def test_an_instance_never_runs_until_the_fault_is_taken_away():
    """Faults may be changed at any moment."""
    driver = opened(never_runs=True)
    await driver.deploy(WORKLOAD, FENCE)
    assert await states(driver, 3) == ["starting"] * 3
    driver.cluster.faults.never_runs = False
    assert await states(driver, 1) == ["running"]


async def test_an_instance_fails_with_the_wanted_reason():
    """`fails` is the cluster's own word for why."""
    driver = opened(fails="no memory left")
    await driver.deploy(WORKLOAD, FENCE)
    seen = await driver.observe("echo", "echo-1")
    assert (seen.state, seen.reason) == (InstanceState.FAILED, "no memory left")


async def test_a_removal_that_hangs_stays_stopping():
    """It is not gone while it is stopping."""
    driver = opened(remove_hangs=True)
    await driver.deploy(WORKLOAD, FENCE)
    await driver.remove("echo", "echo-1", FENCE)
    assert await states(driver, 1) == ["stopping"]
    assert await driver.gone("echo", "echo-1") is False


async def test_what_cannot_be_asked_is_not_changed():
    """A deploy that failed has deployed nothing."""
    driver = opened(unavailable=True)
    with pytest.raises(ClusterUnavailable):
        await driver.deploy(WORKLOAD, FENCE)
    driver.cluster.faults.unavailable = False
    assert await states(driver, 1) == ["absent"]


async def test_drivers_of_one_cluster_see_the_same_instances():
    """A cluster outlives the drivers that ask it; another cluster has instances of its own."""
    await opened().deploy(WORKLOAD, FENCE)
    assert await states(MemoryDriver.open("mec-a", {}), 1) == ["running"]
    assert await states(MemoryDriver.open("mec-b", {}), 1) == ["absent"]


async def test_the_clusters_capacity_counts_where_the_workload_says_none():
    """As everywhere: what is nearer to the instance wins."""
    driver = opened()
    await driver.deploy(WORKLOAD, FENCE)
    assert (await driver.observe("echo", "echo-1")).capacity == 10


def test_an_unknown_fault_is_refused_by_name():
    """A drill that misspells its fault does not pass by accident."""
    with pytest.raises(InvalidRequest, match=r"settings\.faults\.explodes"):
        opened(explodes=True)
