# SPDX-License-Identifier: Apache-2.0
"""What fails on real clusters while an application moves between them under traffic."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from relocate.demo.system import System, new_system
from relocate.model.relocation import Phase, Status
from steering.kubernetes.objects import Kind
from tests.drills.scene import held_before
from tests.e2e.edge import Edge
from tests.e2e.sample import manifests
from tests.e2e.scene import A, B, EdgeScene, Place
from tests.systems import running
from tests.testbed.clusters import Clusters
from tests.testbed.daemons import process

Stage = Callable[..., Awaitable[EdgeScene]]
QUOTA, CONFIG_MAP, NAMESPACE = Kind("v1", "ResourceQuota"), Kind("v1", "ConfigMap"), Kind("v1", "Namespace")
CUT_SECONDS = 30.0
LONG_SECONDS = 45.0
"""Longer than what happens in a phase that has to last."""


def _changed(name: str, **container: Any) -> list[dict[str, Any]]:
    """The sample's manifests, with a container that is different."""
    found = manifests(name)
    found[0]["spec"]["template"]["spec"]["containers"][0] |= container
    return found


@pytest.mark.parametrize(
    ("container", "why"),
    [
        (
            {"image": "docker.io/testbed/nobody-has-this:1"},
            "the image docker.io/testbed/nobody-has-this:1 cannot be had",
        ),
        ({"args": ["--no-such-flag"]}, "keeps ending"),
        ({"resources": {"requests": {"cpu": "900"}}}, "1 Insufficient cpu"),
    ],
    ids=["image not found", "crash loop", "unschedulable"],
)
async def test_when_b_cannot_run_it_users_stay_on_a_and_the_reason_is_given(
    stage: Stage, container: dict[str, Any], why: str
) -> None:
    """In the cluster's own words; nothing of it is left on B, and no user noticed."""
    scene = await stage()
    await scene.describe(manifest=_changed(scene.name, **container), deploy_seconds=8)
    await scene.never_switched(await scene.move(), why)


async def test_when_b_has_no_quota_left_users_stay_on_a(stage: Stage, edge_b: Edge) -> None:
    """No pod is ever made, and the quota is named."""
    scene = await stage(deploy_seconds=6)
    namespace = scene.places[B].namespace
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": namespace}}
    await edge_b.api.create(quota | {"spec": {"hard": {"pods": "0"}}})
    try:
        await scene.never_switched(await scene.move(), "exceeded quota: none")
    finally:
        await edge_b.api.delete(QUOTA, namespace, "none")


async def test_when_the_namespace_on_b_is_being_deleted_users_stay_on_a(
    stage: Stage, system: System, edge_b: Edge
) -> None:
    """Nothing can be made in it any more."""
    scene = await stage()
    async with Place.open(edge_b, system.folder, system, "doomed") as place:
        held = {"name": "held", "namespace": place.namespace, "finalizers": ["relocation.test/hold"]}
        await edge_b.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
        await edge_b.api.delete(NAMESPACE, None, place.namespace)
        try:
            view = await (await scene.move("doomed")).ends()
        finally:
            await edge_b.api.patch(CONFIG_MAP, place.namespace, "held", {"metadata": {"finalizers": None}})
    assert "being terminated" in view.sentence
    assert await scene.answers() == {A}
    (await scene.losses()).none()


async def test_when_bs_api_server_is_killed_during_deploy_it_is_waited_for(
    stage: Stage, edge_clusters: Clusters
) -> None:
    """It comes back, what was made is there, and the move goes on."""
    scene = await stage()
    await scene.describe(manifest=manifests(scene.name, "--warm-up=4s", replicas=2))
    move = await scene.move()
    await move.reaches(Phase.DEPLOY)
    _kill(edge_clusters, B, "apiserver")
    await scene.completed(move, 90)
    (await scene.losses()).none()


async def test_when_as_api_server_is_killed_at_teardown_a_goes_when_it_is_back(
    stage: Stage, edge_clusters: Clusters
) -> None:
    """Users are on B; nothing is called gone that was not seen to be."""
    scene = await stage()
    async with held_before(scene, Phase.TEARDOWN) as move:
        _kill(edge_clusters, A, "apiserver")
        assert (await move.command("proceed")).status_code == 200
    await scene.completed(move, 90)
    (await scene.losses()).none()


async def test_when_bs_kubelet_is_killed_its_pods_serve_on(stage: Stage, edge_clusters: Clusters) -> None:
    """Nobody looks after them for a moment, and nobody needs to."""
    scene = await stage(bake_seconds=8)
    move = await scene.move()
    await move.reaches(Phase.BAKE)
    _kill(edge_clusters, B, "kubelet")
    await scene.completed(move, 90)
    (await scene.losses()).none()


async def test_when_bs_api_cannot_be_reached_for_half_a_minute_the_move_goes_on_after_it(stage: Stage) -> None:
    """What is unknown is waited for; users are served by gateways and pods, which need no API."""
    scene = await stage(bake_seconds=5)
    move = await scene.move()
    await move.reaches(Phase.BAKE)
    async with scene.places[B].line.silent():
        await scene.calm(CUT_SECONDS)
        assert await scene.answers() == {B}
    await scene.completed(move, 90)
    (await scene.losses()).none()


async def test_when_as_api_cannot_be_reached_for_half_a_minute_a_goes_after_it(stage: Stage) -> None:
    """Past the point of no return: it stays open, says what it waits for, and ends when it can."""
    scene = await stage()
    async with held_before(scene, Phase.TEARDOWN) as move, scene.places[A].line.silent():
        assert (await move.command("proceed")).status_code == 200
        await move.until(lambda view: view.point_of_no_return, "past the point of no return")
        await scene.calm(CUT_SECONDS)
        assert (await move.view()).status is Status.RUNNING
    await scene.completed(move, 90)
    (await scene.losses()).none()


async def test_when_credentials_for_a_are_revoked_midway_a_goes_once_there_are_new_ones(stage: Stage) -> None:
    """A token that is not known any more is no reason to undo; a new one in the same file is taken up."""
    scene = await stage()
    place = scene.places[A]
    async with held_before(scene, Phase.TEARDOWN) as move:
        await place.account.revoke()
        # An API server may remember a token for ten seconds.
        await scene.calm(11)
        assert (await move.command("proceed")).status_code == 200
        await move.until(lambda view: view.point_of_no_return, "past the point of no return")
        await scene.calm(3)
        assert (await move.view()).status is Status.RUNNING
        await place.account.grant()
        await place.account.kubeconfig(place.kubeconfig.parent, place.line, A)
    await scene.completed(move, 90)
    (await scene.losses()).none()


async def test_when_the_worker_is_killed_while_it_deploys_another_goes_on(stage: Stage, system: System) -> None:
    """Its objects are there once, and are known to be ours."""
    scene = await stage()
    await scene.describe(manifest=manifests(scene.name, "--warm-up=2s", replicas=2))
    move = await scene.move()
    await move.reaches(Phase.DEPLOY)
    async with _worker_killed(system):
        await scene.completed(move, 90)
    (await scene.losses()).none()


async def test_when_the_worker_is_killed_at_teardown_another_removes_a(stage: Stage, system: System) -> None:
    """Nothing of A is left, whoever began to remove it."""
    scene = await stage()
    async with held_before(scene, Phase.TEARDOWN) as move:
        assert (await move.command("proceed")).status_code == 200
        await move.until(lambda view: view.point_of_no_return, "past the point of no return")
        async with _worker_killed(system):
            await scene.completed(move, 90)
    (await scene.losses()).none()


async def test_a_second_service_cannot_take_what_the_first_one_has(
    stage: Stage, system: System, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two releases, two databases, one namespace: the second is refused by the cluster, and the first one's users notice nothing."""
    scene = await stage()
    async with running(new_system(tmp_path_factory.mktemp("other"))) as other:
        refusal = await scene.refused_by(other)
        assert f"{scene.name} is there already and belongs to {scene.name}-" in refusal
        await scene.completed(await scene.move())
    (await scene.losses()).none()


def _kill(clusters: Clusters, cluster: str, daemon: str) -> None:
    """SIGKILL to a daemon; whoever looks after it starts it again a second later."""
    if clusters.bed is None:
        pytest.skip("these clusters are not a test bed's: their daemons are not ours to kill")
    found = process(clusters.bed, cluster, daemon)
    assert found is not None
    os.kill(found, signal.SIGKILL)


@asynccontextmanager
async def _worker_killed(system: System) -> AsyncIterator[None]:
    """The worker is gone and another one takes over."""
    await system.processes.kill("worker")
    await system.start_worker()
    yield
