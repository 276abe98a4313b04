# SPDX-License-Identifier: Apache-2.0
"""EMCO's workflowmgr has an application moved, under traffic, and what it started is ended in every way that Temporal has."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from relocate.demo import site
from relocate.demo.system import System
from relocate.model.cluster import Cluster
from relocate.model.relocation import Outcome, Phase
from tests.drills.move import Move
from tests.drills.scene import LONG_SECONDS, Scene, application
from tests.drills.waiting import eventually

Stage = Callable[..., Awaitable[Scene]]

PROVIDER = "edge-provider"


async def test_when_emcos_workflowmgr_starts_a_migration_the_application_follows(stage: Stage, system: System) -> None:
    """204 at once; then it serves from the target, EMCO's workflow has completed, and nothing was lost."""
    scene = await stage()
    move = await _started(scene, system)
    await scene.completed(move)
    await _ends_as(scene, system, WorkflowExecutionStatus.COMPLETED)
    (await scene.losses()).none()


async def test_when_the_worker_is_killed_emcos_workflow_goes_on_too(stage: Stage, system: System) -> None:
    """Another worker carries on both: the one that EMCO knows, and the relocation under it."""
    scene = await stage()
    move = await _started(scene, system, bake_seconds=12)
    await move.reaches(Phase.BAKE)
    await system.processes.kill("worker")
    await system.start_worker()
    await scene.completed(move, 60)
    await _ends_as(scene, system, WorkflowExecutionStatus.COMPLETED)
    (await scene.losses()).none()


@pytest.mark.parametrize("how", ["cancel", "terminate"])
async def test_when_emcos_workflow_is_ended_users_go_back(stage: Stage, system: System, how: str) -> None:
    """Straight in Temporal, while B is watched: users are on A again, and did not notice."""
    scene = await stage()
    move = await _started(scene, system, bake_seconds=LONG_SECONDS)
    await move.reaches(Phase.BAKE)
    handle = (await _temporal(system)).get_workflow_handle(scene.name)
    await (handle.cancel() if how == "cancel" else handle.terminate("workflowmgr says so"))
    await scene.went_back(move, Outcome.CANCELLED)
    ended = WorkflowExecutionStatus.CANCELED if how == "cancel" else WorkflowExecutionStatus.TERMINATED
    await _ends_as(scene, system, ended)
    (await scene.losses()).none()


async def test_when_the_relocations_own_workflow_is_terminated_the_sweeper_has_it_go_back(
    stage: Stage, system: System
) -> None:
    """Nobody asks for it: within half a minute users are on A again, and did not notice."""
    scene = await stage()
    move = await _started(scene, system, bake_seconds=LONG_SECONDS)
    await move.reaches(Phase.BAKE)
    await (await _temporal(system)).get_workflow_handle(move.id).terminate("by mistake")
    view = await scene.went_back(move, Outcome.CANCELLED)
    assert "terminated" in view.sentence
    await _ends_as(scene, system, WorkflowExecutionStatus.FAILED)
    (await scene.losses()).none()


async def _started(scene: Scene, system: System, **policy: Any) -> Move:
    """The relocation that a start as workflowmgr sends it has begun; the workflow is called as the application."""
    for cluster in site.clusters(system.ports):
        await system.describe_cluster(_known_to_emco(cluster))
    group = {"project": "drills", "composite_app": scene.name, "composite_app_version": "v1"}
    body = application(scene.name, **policy)
    workloads = {**body.workloads, "emco": {**group, "deployment_intent_group": "dig1"}}
    await system.describe(body.model_copy(update={"workloads": workloads}))
    async with system.client() as client:
        answer = await client.post("/invoke/migrate_workflowclient", json=_spec(scene))
    assert (answer.status_code, answer.content) == (204, b"")

    async def begun() -> bool:
        return bool(scene.relocations())

    await eventually(begun, "begun")
    (identity,) = scene.relocations()
    return scene.follow(identity)


def _known_to_emco(cluster: Cluster) -> Cluster:
    return cluster.model_copy(update={"labels": {**cluster.labels, "emco-provider": PROVIDER}})


def _spec(scene: Scene) -> Mapping[str, Any]:
    params = {
        "emcoURL": "http://emco.test:30415",
        "project": "drills",
        "compositeApp": scene.name,
        "compositeAppVersion": "v1",
        "deploymentIntentGroup": "dig1",
        "targetClusterProvider": PROVIDER,
        "targetClusterName": scene.target,
    }
    return {
        "workflowStartOptions": {
            "ID": scene.name,
            "TaskQueue": "MIGRATION_TASK_Q",
            "RetryPolicy": {"MaximumAttempts": 2},
        },
        "workflowParams": {"activityParams": {"all-activities": params}},
    }


async def _temporal(system: System) -> Client:
    return await Client.connect(f"127.0.0.1:{system.ports.temporal}")


async def _ends_as(scene: Scene, system: System, wanted: WorkflowExecutionStatus) -> None:
    """Wait until EMCO's workflow is closed so; there was no second run of it."""
    client = await _temporal(system)

    async def closed() -> bool:
        found = await client.get_workflow_handle(scene.name).describe()
        return found.close_time is not None

    await eventually(closed, "closed")
    found = await client.get_workflow_handle(scene.name).describe()
    assert found.status is wanted
    assert found.raw_description.workflow_execution_info.first_run_id == found.run_id
