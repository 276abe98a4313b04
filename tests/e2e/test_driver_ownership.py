# SPDX-License-Identifier: Apache-2.0
"""The driver makes, changes and removes what is its own, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from relocate.clusters.contract import InstanceState
from relocate.errors import ClusterUnavailable, InvalidWorkload, StaleFence
from steering.kubernetes.objects import Kind
from steering.model import Fence
from tests.e2e.edge import Edge
from tests.e2e.ground import APPLICATION, INSTANCE, Ground, sample

SERVICE, DEPLOYMENT = Kind("v1", "Service"), Kind("apps/v1", "Deployment")
PORTS = {"ports": [{"name": "http", "port": 80}]}


@pytest_asyncio.fixture(loop_scope="session")
async def ground(edge_a: Edge, tmp_path: Path) -> AsyncIterator[Ground]:
    """A namespace."""
    async with Ground.open(edge_a, tmp_path) as ground:
        yield ground


async def test_what_was_there_before_is_refused_and_left_as_it_was(ground):
    """Somebody else's Service stops the whole deploy before anything is made."""
    before = await ground.make("v1", "Service", "echo", spec=PORTS)
    with pytest.raises(InvalidWorkload, match="Service echo is there already and belongs to somebody else"):
        await ground.deploy()
    assert await ground.find("v1", "Service", "echo") == before
    assert await ground.find("apps/v1", "Deployment", "echo") is None
    assert (await ground.driver.plan(sample())).problems == (
        "Service echo is there already and belongs to somebody else",
    )


@pytest.mark.parametrize(
    ("mark", "owner"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:/Service:x/echo"}}, "Argo CD application shop"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, "Flux Kustomization shop"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}, "Flux HelmRelease shop"),
        ({"annotations": {"meta.helm.sh/release-name": "shop"}}, "Helm release shop"),
    ],
)
async def test_another_owner_is_called_by_its_name(ground, mark, owner):
    """Whoever would undo what we do is named, so that the operator knows whom to ask."""
    await ground.make("v1", "Service", "echo", spec=PORTS, metadata=mark)
    with pytest.raises(InvalidWorkload, match=f"Service echo is there already and belongs to {owner}$"):
        await ground.deploy()


async def test_a_field_that_somebody_has_taken_over_is_not_taken_back(ground):
    """A repeated deploy is refused with the field and its manager, and the field stays."""
    await ground.deploy()
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "echo"}, "spec": {"replicas": 0}}
    await ground.edge.api.patch(DEPLOYMENT, ground.namespace, "echo", {"spec": scaled["spec"]})
    with pytest.raises(InvalidWorkload, match=r"\.spec\.replicas: conflict with .*e2e"):
        await ground.deploy()
    found = await ground.find("apps/v1", "Deployment", "echo")
    assert found["spec"]["replicas"] == 0


async def test_removing_leaves_what_is_not_ours(ground):
    """Others' objects in the namespace, labels that look like ours included, are as they were."""
    await ground.deploy()
    await ground.reaches(InstanceState.RUNNING)
    others = await ground.make("v1", "ConfigMap", "others", data={"a": "b"})
    lookalike = await ground.make(
        "v1", "ConfigMap", "lookalike", metadata={"labels": {"relocation.edge/instance": INSTANCE}}
    )
    await ground.remove()
    await ground.is_gone()
    assert await ground.find("v1", "ConfigMap", "others") == others
    assert await ground.find("v1", "ConfigMap", "lookalike") == lookalike
    assert await ground.find("apps/v1", "Deployment", "echo") is None
    assert await ground.find("v1", "Service", "echo") is None


async def test_an_object_that_was_made_anew_by_somebody_else_is_not_removed(ground):
    """A name is not an identity: the uid says that it is another one."""
    await ground.deploy()
    await ground.edge.api.delete(SERVICE, ground.namespace, "echo")
    theirs = await ground.make("v1", "Service", "echo", spec=PORTS)
    await ground.remove()
    await ground.is_gone()
    found = await ground.find("v1", "Service", "echo")
    assert found["metadata"]["uid"] == theirs["metadata"]["uid"]


async def test_a_finalizer_that_hangs_keeps_it_from_being_gone(ground):
    """Gone means gone, and until then it is said what is left."""
    await ground.deploy()
    hold = {"metadata": {"finalizers": ["relocation.test/hold"]}}
    await ground.edge.api.patch(SERVICE, ground.namespace, "echo", hold)
    await ground.remove()
    assert await ground.driver.gone(APPLICATION, INSTANCE) is False
    await ground.reaches(InstanceState.STOPPING, "Service echo is held by the finalizer relocation.test/hold")
    await ground.edge.api.patch(SERVICE, ground.namespace, "echo", {"metadata": {"finalizers": None}})
    await ground.is_gone()


async def test_a_deploy_on_what_is_still_going_is_asked_to_come_later(ground):
    """Names become free: that is no reason to give up."""
    await ground.deploy()
    hold = {"metadata": {"finalizers": ["relocation.test/hold"]}}
    await ground.edge.api.patch(SERVICE, ground.namespace, "echo", hold)
    await ground.remove()
    with pytest.raises(ClusterUnavailable, match="echo of echo-1 is still being deleted"):
        await ground.deploy(sample(instance="echo-2"))
    await ground.edge.api.patch(SERVICE, ground.namespace, "echo", {"metadata": {"finalizers": None}})
    await ground.is_gone()
    await ground.deploy(sample(instance="echo-2"))


async def test_what_a_late_writer_makes_goes_by_itself(ground):
    """It passed the fence, froze, and wrote after the removal: its object's owner is gone, and so is the object."""
    await ground.deploy()
    service = await ground.find("v1", "Service", "echo")
    await ground.remove()
    await ground.is_gone()
    kept = ("labels", "ownerReferences")
    late = {key: value for key, value in service["metadata"].items() if key in kept}
    await ground.make("v1", "Service", "echo", metadata=late, spec=PORTS)
    async with asyncio.timeout(30):
        while await ground.find("v1", "Service", "echo") is not None:  # noqa: ASYNC110 - a cluster tells nobody
            await asyncio.sleep(0.1)


async def test_two_services_that_order_at_once_end_with_the_newer_ones_wish(ground):
    """Whatever the order in which they arrive, what the older lease wanted does not stand."""
    older, newer = Fence(lease=7, sequence=1), Fence(lease=8, sequence=1)
    said = await asyncio.gather(
        ground.driver.deploy(sample(), older),
        ground.driver.remove(APPLICATION, INSTANCE, newer),
        return_exceptions=True,
    )
    assert said[1] is None
    assert said[0] is None or isinstance(said[0], StaleFence | ClusterUnavailable)
    await ground.driver.remove(APPLICATION, INSTANCE, newer)
    await ground.is_gone()
    with pytest.raises(StaleFence):
        await ground.driver.deploy(sample(), older)
