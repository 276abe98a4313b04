# SPDX-License-Identifier: Apache-2.0
"""A plan says what would be made and everything that would stop it, and changes nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest_asyncio

from relocate.clusters.contract import InstanceState
from relocate.clusters.kubernetes import KubernetesDriver
from steering.kubernetes.objects import Kind
from tests.e2e.edge import Edge
from tests.e2e.ground import Ground, container_of, sample

DEFINITION = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")


@pytest_asyncio.fixture(loop_scope="session")
async def ground(edge_a: Edge, tmp_path: Path) -> AsyncIterator[Ground]:
    """A namespace."""
    async with Ground.open(edge_a, tmp_path) as ground:
        yield ground


def _definition(group: str) -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": DEFINITION.api_version,
        "kind": DEFINITION.name,
        "metadata": {"name": f"gadgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Gadget", "plural": "gadgets", "singular": "gadget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def _claim(storage_class: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": spec | {"storageClassName": storage_class},
    }


async def test_what_would_be_made_is_named(ground):
    """Each object, in the order in which it is made, and nothing is there afterwards."""
    plan = await ground.driver.plan(sample())
    assert plan.parts == ("Service echo", "Deployment echo")
    assert plan.problems == ()
    assert await ground.find("v1", "Service", "echo") is None


async def test_what_the_api_server_would_refuse_is_said_in_its_words(ground):
    """A dry run of each object, so that a mistake is found before anything is changed."""
    workload = sample()
    container_of(workload)["ports"][0]["containerPort"] = 80000
    (problem,) = (await ground.driver.plan(workload)).problems
    assert problem.startswith("Deployment echo: ")
    assert "must be between 1 and 65535" in problem


async def test_everything_that_is_missing_is_named_at_once(ground):
    """Pull secrets and storage classes are used long after a dry run has passed."""
    workload = sample()
    workload.settings["manifests"][0]["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "registry"}]
    workload.settings["manifests"].append(_claim("fast"))
    problems = (await ground.driver.plan(workload)).problems
    # The published rights hold no right to read Secrets: where they do, the missing one is named as well.
    assert problems == ("StorageClass fast is needed, and is not there",)


async def test_a_quota_that_is_too_small_is_reckoned_before_pods_are_made(ground):
    """Controllers make pods, so no dry run meets their quota."""
    workload = sample(replicas=3)
    container_of(workload)["resources"] = {"requests": {"cpu": "100m"}}
    await ground.make("v1", "ResourceQuota", "small", spec={"hard": {"requests.cpu": "200m"}})
    await ground.quota_counts("small")
    assert (await ground.driver.plan(workload)).problems == (
        "quota small leaves 0.2 of requests.cpu; the pods ask for 0.3",
    )


async def test_a_pod_that_fits_on_no_node_is_named(ground):
    """What each node has at most is known; who else is on it is the scheduler's to know."""
    workload = sample()
    container_of(workload)["resources"] = {"requests": {"cpu": "900"}}
    assert (await ground.driver.plan(workload)).problems == (
        "Deployment echo: a pod asks for cpu 900; no node that is ready has so much",
    )


async def test_a_namespace_that_is_not_there_is_the_first_problem(edge_a):
    """Nothing else is asked when there is nowhere to be."""
    connection = {"kind": "kubeconfig", "file": str(edge_a.kubeconfig)}
    driver = KubernetesDriver.open("mec-a", {"connection": connection, "namespaces": ["nobody-made-this"]})
    assert (await driver.plan(sample())).problems == ("Namespace nobody-made-this is needed, and is not there",)
    await driver.close()


async def test_a_kind_that_the_cluster_does_not_know_is_named(ground):
    """With its group, as the manifest says it."""
    workload = sample()
    workload.settings["manifests"].append({"apiVersion": "e2e.test/v1", "kind": "Gadget", "metadata": {"name": "g"}})
    (problem,) = (await ground.driver.plan(workload)).problems
    assert problem == "workloads.kubernetes: Gadget g: the cluster has no such kind in e2e.test/v1"


async def test_a_definition_that_comes_along_is_waited_for_and_stays(edge_a, tmp_path):
    """Its objects are made once their kind is served; it stays when they go, for others' objects may be of it."""
    group = f"e2e-{token_hex(4)}.test"
    definition = _definition(group)
    gadget = {"apiVersion": f"{group}/v1", "kind": "Gadget", "metadata": {"name": "g"}}
    async with Ground.open(edge_a, tmp_path) as ground:
        admin = {"kind": "kubeconfig", "file": str(edge_a.kubeconfig)}
        driver = KubernetesDriver.open("mec-a", {"connection": admin, "namespaces": [ground.namespace]})
        ground.driver = driver
        workload = sample()
        workload.settings["manifests"].extend([gadget, definition])
        try:
            assert (await driver.plan(workload)).problems == ()
            await ground.deploy(workload)
            await ground.reaches(InstanceState.RUNNING)
            await ground.remove()
            await ground.is_gone()
            assert await ground.find(f"{group}/v1", "Gadget", "g") is None
            assert await ground.find(definition["apiVersion"], definition["kind"], definition["metadata"]["name"])
        finally:
            await driver.close()
            await edge_a.api.delete(DEFINITION, None, definition["metadata"]["name"])
