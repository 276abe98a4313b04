# SPDX-License-Identifier: Apache-2.0
"""The driver takes over what runs already, without touching a pod, and gives it back as it was."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from relocate.clusters.contract import InstanceState
from relocate.errors import InvalidRequest, InvalidWorkload, StaleFence
from steering.kubernetes.objects import Kind, Object
from tests.e2e.edge import Edge
from tests.e2e.ground import APPLICATION, INSTANCE, PATIENCE_SECONDS, Ground, sample
from tests.e2e.sample import manifests

POD, DEPLOYMENT, SERVICE = Kind("v1", "Pod"), Kind("apps/v1", "Deployment"), Kind("v1", "Service")
CONFIG_MAP = Kind("v1", "ConfigMap")


@pytest_asyncio.fixture(loop_scope="session")
async def ground(edge_a: Edge, tmp_path: Path) -> AsyncIterator[Ground]:
    """A namespace in which somebody else runs the application."""
    async with Ground.open(edge_a, tmp_path) as ground:
        for one in manifests("echo", replicas=2):
            await ground.make(one["apiVersion"], one["kind"], "echo", spec=one["spec"])
        yield ground


async def test_it_is_ours_without_a_restart_and_theirs_again_as_it_was(ground):
    """Two labels come and go; specs, generations and pods stay; in between it is observed as any other instance."""
    before, pods = await _objects(ground), await _ready(ground)
    await ground.driver.adopt(sample(replicas=2), ground.fence())
    seen = await ground.reaches(InstanceState.RUNNING)
    assert (len(seen.endpoints["http"]), seen.capacity) == (1, 2)
    await ground.driver.release(APPLICATION, INSTANCE, ground.fence())
    after = await _objects(ground)
    assert [_said(one) for one in after] == [_said(one) for one in before]
    assert await _ready(ground) == pods
    assert (await ground.observe()).state is InstanceState.ABSENT


async def test_looking_changes_nothing_and_tells_what_differs(ground):
    """What was found, what would be changed, and what the next cluster would get instead."""
    before = await _objects(ground)
    seen = await ground.driver.adoptable(sample(replicas=3))
    assert seen.parts == ("Service echo", "Deployment echo")
    assert seen.differences == ("Deployment echo: spec.replicas: there is 2, the next cluster gets 3",)
    assert seen.problems == ()
    assert [one["metadata"]["resourceVersion"] for one in await _objects(ground)][1] == before[1]["metadata"][
        "resourceVersion"
    ]
    assert (await ground.edge.api.list(CONFIG_MAP, ground.namespace, labels="relocation.edge/instance")).items == []


async def test_a_pod_that_comes_later_counts(ground):
    """It has no label of ours, and is found by its workload's selector."""
    await _ready(ground)
    await ground.driver.adopt(sample(replicas=2), ground.fence())
    await ground.reaches(InstanceState.RUNNING)
    gone, *_ = (await ground.edge.api.list(POD, ground.namespace)).items
    await ground.edge.api.delete(POD, ground.namespace, gone["metadata"]["name"])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while gone["metadata"]["uid"] in await _uids(ground) or len(await _uids(ground)) < 2:  # noqa: ASYNC110 - a cluster tells nobody
            await asyncio.sleep(0.05)
    seen = await ground.reaches(InstanceState.RUNNING)
    assert seen.capacity == 2


async def test_what_was_adopted_is_removed_as_what_was_deployed(ground):
    """All of it, pods included, and nothing else."""
    others = await ground.make("v1", "ConfigMap", "others", data={"a": "b"})
    await _ready(ground)
    await ground.driver.adopt(sample(), ground.fence())
    await ground.remove()
    await ground.is_gone()
    assert await _uids(ground) == set()
    assert await ground.find("apps/v1", "Deployment", "echo") is None
    assert await ground.find("v1", "ConfigMap", "others") == others


async def test_a_removal_that_comes_after_the_release_removes_nothing(ground):
    """Under an older fence it is refused; under a newer one there is nothing that would be ours."""
    late = ground.fence()
    await ground.driver.adopt(sample(), ground.fence())
    await ground.driver.release(APPLICATION, INSTANCE, ground.fence())
    with pytest.raises(StaleFence):
        await ground.driver.remove(APPLICATION, INSTANCE, late)
    await ground.remove()
    assert await ground.driver.gone(APPLICATION, INSTANCE)
    assert len(await _ready(ground)) == 2


async def test_an_adoption_that_comes_after_the_release_is_refused(ground):
    """It was held up on its way, and changes nothing any more."""
    late = ground.fence()
    await ground.driver.release(APPLICATION, INSTANCE, ground.fence())
    before = await _objects(ground)
    with pytest.raises(StaleFence):
        await ground.driver.adopt(sample(), late)
    assert [_said(one) for one in await _objects(ground)] == [_said(one) for one in before]


@pytest.mark.parametrize(
    ("kind", "mark", "why"),
    [
        (
            DEPLOYMENT,
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:x"}},
            "Deployment echo is kept by Argo CD application shop",
        ),
        (
            SERVICE,
            {"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}},
            "Service echo is kept by Flux Kustomization shop",
        ),
        (SERVICE, {"labels": {"relocation.edge/instance": "echo-9"}}, "Service echo belongs to echo-9 already"),
    ],
)
async def test_what_belongs_to_somebody_is_refused_before_anything_is_written(ground, kind, mark, why):
    """By name; no other object gets a label either."""
    await ground.edge.api.patch(kind, ground.namespace, "echo", {"metadata": mark})
    before = await _objects(ground)
    with pytest.raises(InvalidWorkload, match=why):
        await ground.driver.adopt(sample(), ground.fence())
    assert [_said(one) for one in await _objects(ground)] == [_said(one) for one in before]
    assert (await ground.observe()).state is InstanceState.ABSENT


async def test_what_is_not_all_there_is_refused(ground):
    """The application says more than what runs."""
    await ground.edge.api.delete(SERVICE, ground.namespace, "echo")
    assert (await ground.driver.adoptable(sample())).problems == ("Service echo is not there",)


async def test_what_was_deployed_is_not_released(edge_b: Edge, tmp_path: Path) -> None:
    """It never was anybody else's."""
    async with Ground.open(edge_b, tmp_path) as ground:
        await ground.deploy()
        with pytest.raises(InvalidRequest, match="echo-1 was not adopted"):
            await ground.driver.release(APPLICATION, INSTANCE, ground.fence())


async def _objects(ground: Ground) -> Sequence[Object]:
    api = ground.edge.api
    return [await api.get(kind, ground.namespace, "echo") for kind in (DEPLOYMENT, SERVICE)]


def _said(found: Object) -> tuple[object, ...]:
    metadata = found["metadata"]
    return metadata.get("labels"), metadata.get("ownerReferences"), metadata.get("generation"), found["spec"]


async def _uids(ground: Ground) -> set[str]:
    return {one["metadata"]["uid"] for one in (await ground.edge.api.list(POD, ground.namespace)).items}


async def _ready(ground: Ground) -> set[str]:
    """The pods, once both are ready."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await _objects(ground))[0].get("status", {}).get("readyReplicas") != 2:  # noqa: ASYNC110 - a cluster tells nobody
            await asyncio.sleep(0.05)
    return await _uids(ground)
