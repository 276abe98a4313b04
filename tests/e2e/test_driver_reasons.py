# SPDX-License-Identifier: Apache-2.0
"""Why an instance does not run, in one sentence taken from the cluster's own words."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from relocate.clusters.contract import InstanceState
from steering.kubernetes.objects import Kind
from tests.e2e.edge import Edge
from tests.e2e.ground import Ground, container_of, sample


@pytest_asyncio.fixture(loop_scope="session")
async def ground(edge_a: Edge, tmp_path: Path) -> AsyncIterator[Ground]:
    """A cluster whose patience is short."""
    async with Ground.open(edge_a, tmp_path, patience_seconds=6) as ground:
        yield ground


async def test_an_image_that_no_node_has_fails_at_once(ground):
    """No wait mends that: the image is named."""
    workload = sample()
    container_of(workload)["image"] = "docker.io/testbed/nobody-has-this:1"
    await ground.deploy(workload)
    seen = await ground.reaches(InstanceState.FAILED)
    assert "the image docker.io/testbed/nobody-has-this:1 cannot be had" in seen.reason


async def test_an_image_that_cannot_be_pulled_fails_after_the_patience(ground):
    """A registry may come back; for so long it is starting, and then it has failed."""
    workload = sample()
    container_of(workload).update(image="127.0.0.1:1/nobody/has-this:1", imagePullPolicy="IfNotPresent")
    await ground.deploy(workload)
    await ground.reaches(InstanceState.STARTING, "127.0.0.1:1/nobody/has-this:1 cannot be had")
    await ground.reaches(InstanceState.FAILED, "127.0.0.1:1/nobody/has-this:1 cannot be had")


async def test_a_crash_loop_fails_with_the_programs_last_words(ground):
    """How often it was tried, with which status it ended, and what it said."""
    await ground.deploy(sample("--no-such-flag"))
    seen = await ground.reaches(InstanceState.FAILED)
    assert "keeps ending" in seen.reason
    assert "with status 2: flag provided but not defined: -no-such-flag" in seen.reason


async def test_a_pod_that_fits_nowhere_is_starting_and_says_what_is_short(ground):
    """Room may come free: it is not failed, and the scheduler's words are passed on."""
    workload = sample()
    container_of(workload)["resources"] = {"requests": {"cpu": "900"}}
    await ground.deploy(workload)
    await ground.reaches(InstanceState.STARTING, "is not scheduled: 0/1 nodes are available: 1 Insufficient cpu")


async def test_a_quota_that_is_used_up_is_named(ground):
    """The pod was never made, so its owner says why."""
    await ground.make("v1", "ResourceQuota", "small", spec={"hard": {"pods": "0"}})
    await ground.deploy()
    await ground.reaches(InstanceState.STARTING, "exceeded quota: small")


async def test_a_probe_that_fails_is_named(ground):
    """Taken from the events, for a container that is not ready says nothing itself."""
    await ground.deploy(sample("--never-ready"))
    await ground.reaches(InstanceState.STARTING, "Readiness probe failed: HTTP probe failed with statuscode: 503")


async def test_a_missing_config_map_is_named(ground):
    """The container cannot be made; somebody may still bring what is missing, for a while."""
    workload = sample()
    container_of(workload)["envFrom"] = [{"configMapRef": {"name": "not-there"}}]
    await ground.deploy(workload)
    await ground.reaches(InstanceState.FAILED, 'configmap "not-there" not found')


async def test_an_object_that_somebody_takes_away_is_missed(ground):
    """What runs by accident is not what was asked for."""
    await ground.deploy()
    await ground.reaches(InstanceState.RUNNING)
    await ground.edge.api.delete(Kind("v1", "Service"), ground.namespace, "echo")
    await ground.reaches(InstanceState.STARTING, "Service echo has not been seen yet, or was taken away")


async def test_a_namespace_that_is_being_deleted_says_so(ground):
    """Nothing can be made in it any more, and that is the reason that is given."""
    await ground.make("v1", "ConfigMap", "held", metadata={"finalizers": ["relocation.test/hold"]})
    await ground.edge.api.delete(Kind("v1", "Namespace"), None, ground.namespace)
    try:
        with pytest.raises(Exception, match="being terminated"):
            await ground.deploy()
    finally:
        await ground.edge.api.patch(
            Kind("v1", "ConfigMap"), ground.namespace, "held", {"metadata": {"finalizers": None}}
        )
