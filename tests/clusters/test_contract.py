# SPDX-License-Identifier: Apache-2.0
"""What every cluster driver that deploys must do, asked of each."""

import re

import pytest

from relocate.clusters.contract import InstanceState
from relocate.errors import ClusterUnavailable, InvalidRequest, InvalidWorkload, StaleFence
from steering.model import Fence


async def test_a_deployed_instance_runs_and_names_its_endpoints(cluster):
    """Deploy, and the instance becomes running with an endpoint for each port; who only listens hears the same."""
    await cluster.deploy(cluster.workload("echo-1"))
    seen = await cluster.reaches("echo-1", InstanceState.RUNNING)
    assert await cluster.driver.heard("echo", "echo-1") == seen
    assert [len(endpoints) for endpoints in seen.endpoints.values()] == [1]
    assert list(seen.endpoints) == ["http"]
    assert await cluster.driver.gone("echo", "echo-1") is False


async def test_deploying_the_same_name_again_is_the_same_instance(cluster):
    """A repeated deploy changes nothing, so an activity may be retried."""
    await cluster.deploy(cluster.workload("echo-1"))
    first = await cluster.reaches("echo-1", InstanceState.RUNNING)
    await cluster.deploy(cluster.workload("echo-1"))
    assert await cluster.driver.observe("echo", "echo-1") == first


async def test_the_same_name_with_other_settings_is_refused(own):
    """A name stands for one instance: it is never replaced silently."""
    await own.deploy(own.workload("echo-1"))
    with pytest.raises(InvalidWorkload, match="exists with other settings"):
        await own.deploy(own.workload("echo-1", capacity=7))


async def test_the_workload_says_the_capacity(own):
    """What one instance can serve once it runs is passed on as it was written."""
    await own.deploy(own.workload("echo-1", capacity=7))
    assert (await own.reaches("echo-1", InstanceState.RUNNING)).capacity == 7


async def test_a_plan_changes_nothing(cluster):
    """A plan tells what a deploy would create, and creates nothing."""
    assert (await cluster.driver.plan(cluster.workload("echo-1"))).creates == ("echo-1",)
    assert (await cluster.driver.observe("echo", "echo-1")).state is InstanceState.ABSENT


async def test_a_plan_for_an_instance_that_exists_creates_nothing(cluster):
    """The plan of a repeated deploy is empty."""
    await cluster.deploy(cluster.workload("echo-1"))
    plan = await cluster.driver.plan(cluster.workload("echo-1"))
    assert (plan.creates, plan.problems) == ((), ())


async def test_a_workload_that_makes_no_sense_names_its_field(own):
    """Both plan and deploy name the field, by its path in the application."""
    kind = own.driver.describe().kind
    workload = own.workload("echo-1", capacity=-1)
    with pytest.raises(InvalidWorkload, match=rf"^workloads\.{kind}\.capacity: ") as error:
        await own.deploy(workload)
    assert error.value.field == f"workloads.{kind}.capacity"
    assert f"workloads.{kind}.capacity" in (await own.driver.plan(workload)).problems[0]


async def test_removing_one_instance_leaves_the_others(own):
    """Remove touches nothing but that instance."""
    for name in ("echo-1", "echo-2"):
        await own.deploy(own.workload(name))
    other = await own.reaches("echo-2", InstanceState.RUNNING)
    await own.remove("echo-1")
    await own.is_gone("echo-1")
    assert await own.driver.observe("echo", "echo-2") == other


async def test_a_removed_instance_is_absent_and_gone(cluster):
    """After remove nothing is left, and the name is free again."""
    await cluster.deploy(cluster.workload("echo-1"))
    await cluster.remove("echo-1")
    await cluster.is_gone("echo-1")
    assert (await cluster.driver.observe("echo", "echo-1")).state is InstanceState.ABSENT
    await cluster.deploy(cluster.workload("echo-1"))
    await cluster.reaches("echo-1", InstanceState.RUNNING)


async def test_removing_what_is_not_there_is_fine(cluster):
    """Remove may be repeated, and what never was is gone."""
    await cluster.remove("echo-9")
    await cluster.remove("echo-9")
    assert await cluster.driver.gone("echo", "echo-9") is True


async def test_a_crashed_instance_has_failed_with_the_reason(own):
    """An instance that ended by itself is failed, in the cluster's own words."""
    await own.deploy(own.workload("echo-1"))
    await own.reaches("echo-1", InstanceState.RUNNING)
    await own.crash("echo-1")
    seen = await own.reaches("echo-1", InstanceState.FAILED)
    assert re.search("with status 3.*a drill told me to$", seen.reason)


async def test_a_crashed_instance_can_be_removed(own):
    """Removing a failed instance leaves nothing of it."""
    await own.deploy(own.workload("echo-1"))
    await own.reaches("echo-1", InstanceState.RUNNING)
    await own.crash("echo-1")
    await own.reaches("echo-1", InstanceState.FAILED)
    await own.remove("echo-1")
    await own.is_gone("echo-1")


async def test_a_cluster_that_cannot_be_asked_says_so(own):
    """Each question raises ClusterUnavailable with the cluster's name; gone is unknown, not true."""
    workload = own.workload("echo-1")
    own.break_off()
    driver = own.driver
    for ask in (
        lambda: driver.plan(workload),
        lambda: own.deploy(workload),
        lambda: driver.observe("echo", "echo-1"),
        lambda: own.remove("echo-1"),
        lambda: driver.advance("echo", "echo-1", Fence(lease=1, sequence=9)),
    ):
        with pytest.raises(ClusterUnavailable, match="mec-a"):
            await ask()
    assert await driver.gone("echo", "echo-1") is None


async def test_unknown_settings_of_a_cluster_are_refused_by_name(cluster):
    """A setting that the driver does not know is named, and those that it knows are listed."""
    with pytest.raises(InvalidRequest, match=r"^settings\.") as error:
        type(cluster.driver).open("mec-a", {"url": "http://127.0.0.1:1", "kapacity": 1}, database_url="sqlite://")
    assert error.value.field.startswith("settings.")


OLDER, NEWER = Fence(lease=3, sequence=9), Fence(lease=4, sequence=1)


async def test_an_order_under_an_older_fence_is_refused_and_changes_nothing(cluster):
    """Once a newer fence was seen for an instance, what was ordered before it comes too late."""
    workload = cluster.workload("echo-1")
    await cluster.driver.deploy(workload, NEWER)
    seen = await cluster.reaches("echo-1", InstanceState.RUNNING)
    for late in (
        lambda: cluster.driver.remove("echo", "echo-1", OLDER),
        lambda: cluster.driver.deploy(workload, OLDER),
        lambda: cluster.driver.advance("echo", "echo-1", OLDER),
    ):
        with pytest.raises(StaleFence, match=r"is at lease 4, step 1; lease 3, step 9 is older"):
            await late()
    assert await cluster.driver.observe("echo", "echo-1") == seen


async def test_a_cluster_that_was_told_a_newer_fence_refuses_an_older_removal(cluster):
    """Advancing changes nothing but what may still come, and may be repeated."""
    await cluster.driver.deploy(cluster.workload("echo-1"), OLDER)
    seen = await cluster.reaches("echo-1", InstanceState.RUNNING)
    for _ in range(2):
        await cluster.driver.advance("echo", "echo-1", NEWER)
    with pytest.raises(StaleFence):
        await cluster.driver.remove("echo", "echo-1", OLDER)
    assert await cluster.driver.observe("echo", "echo-1") == seen
    await cluster.driver.remove("echo", "echo-1", NEWER)
    await cluster.is_gone("echo-1")


async def test_a_late_deploy_does_not_bring_back_what_was_removed(cluster):
    """The fence outlives the instance, also where there never was one."""
    workload = cluster.workload("echo-1")
    await cluster.driver.remove("echo", "echo-1", NEWER)
    with pytest.raises(StaleFence):
        await cluster.driver.deploy(workload, OLDER)
    assert (await cluster.driver.observe("echo", "echo-1")).state is InstanceState.ABSENT


async def test_a_fence_is_kept_for_one_instance(cluster):
    """Another instance of the application is ordered under fences of its own."""
    await cluster.driver.advance("echo", "echo-1", NEWER)
    await cluster.driver.deploy(cluster.workload("echo-2"), OLDER)
    await cluster.reaches("echo-2", InstanceState.RUNNING)


async def test_a_plan_needs_no_fence(cluster):
    """Looking is nobody's turn."""
    await cluster.driver.advance("echo", "echo-1", NEWER)
    assert (await cluster.driver.plan(cluster.workload("echo-1"))).creates == ("echo-1",)
