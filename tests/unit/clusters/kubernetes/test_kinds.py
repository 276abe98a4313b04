# SPDX-License-Identifier: Apache-2.0
"""Whether an object is ready, as kubectl and Helm judge it, and why not, in one sentence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relocate.clusters.contract import InstanceState
from relocate.clusters.kubernetes.kinds import Seen, judge

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SEEN = Seen(now=NOW)


def said(seconds_ago: float) -> str:
    """A time as API servers write it."""
    return (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def deployment(spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    """A Deployment of two pods, all of them as they should be but for what is said."""
    fine = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    selector = {"matchLabels": {"app": "echo"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "echo", "generation": 2},
        "spec": {"replicas": 2, "selector": selector, **(spec or {})},
        "status": fine | status,
    }


def pod(container: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    """A pod of that Deployment which is not ready, started a minute ago."""
    containers = [{"name": "echo", "image": "echo:1", "ready": False, "restartCount": 0, **(container or {})}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "echo-1", "uid": "p1", "labels": {"app": "echo"}},
        "status": {"phase": "Running", "startTime": said(30), "containerStatuses": containers, **status},
    }


def test_all_pods_of_the_newest_version_available_is_ready() -> None:
    """Nothing is left to wait for."""
    assert judge(deployment(), SEEN) == (InstanceState.RUNNING, "")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (deployment(observedGeneration=1), "its controller has not taken it up yet"),
        (deployment({"replicas": 0}), "asks for no pod; at least one is needed"),
        (deployment(updatedReplicas=1), "1 of 2 pods are of this version"),
        (deployment(replicas=3), "pods of an older version are still there"),
        (deployment(availableReplicas=1), "1 of 2 pods are available"),
    ],
)
def test_a_deployment_that_is_not_rolled_out_is_waited_for(found: dict[str, Any], reason: str) -> None:
    """With what is missing."""
    judged = judge(found, SEEN)
    assert judged.state is InstanceState.STARTING
    assert judged.reason == f"Deployment echo: {reason}"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (
            pod({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}),
            "container echo: the image echo:1 cannot be had: not found",
        ),
        (
            pod({"state": {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}}}),
            'container echo cannot be made: secret "s" not found',
        ),
        (
            pod(
                {
                    "restartCount": 4,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
                }
            ),
            "container echo keeps ending (4 restarts), last with status 1",
        ),
        (
            pod(
                {
                    "restartCount": 2,
                    "state": {"running": {}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                }
            ),
            "container echo keeps ending (2 restarts), last out of memory",
        ),
    ],
)
def test_why_a_pod_does_not_run_is_said_in_one_sentence(found: dict[str, Any], reason: str) -> None:
    """Image, configuration, crash, memory: what an operator would look for."""
    judged = judge(deployment(availableReplicas=0), Seen(now=NOW, pods=[found]))
    assert judged == (InstanceState.STARTING, f"Deployment echo: 0 of 2 pods are available; pod echo-1: {reason}")


def test_what_fails_for_longer_than_anybody_waits_has_failed() -> None:
    """The relocation goes back, and nobody waits ten minutes for a misspelt image."""
    held = {"state": {"waiting": {"reason": "ImagePullBackOff"}}}
    late = Seen(now=NOW, pods=[pod(held, startTime=said(61))], patience_seconds=60)
    assert judge(deployment(availableReplicas=0), late).state is InstanceState.FAILED


def test_an_image_name_that_is_none_has_failed_at_once() -> None:
    """No time mends it."""
    found = pod({"state": {"waiting": {"reason": "InvalidImageName"}}})
    assert judge(found, SEEN).state is InstanceState.FAILED


def test_a_pod_that_no_node_takes_says_the_scheduler_s_reason() -> None:
    """Unschedulable."""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: cpu"}
    found = pod(phase="Pending", conditions=[condition], containerStatuses=[])
    assert judge(found, SEEN).reason == "pod echo-1 is not scheduled: 0/1 nodes: cpu"


def test_a_probe_that_fails_is_told_in_the_kubelet_s_words() -> None:
    """From the pod's newest event."""
    events = [
        {"involvedObject": {"uid": "p1"}, "reason": "Unhealthy", "message": said, "lastTimestamp": at}
        for said, at in (("Readiness probe failed: 503", "2026-11-27T11:59:00Z"), ("older", "2026-11-27T11:00:00Z"))
    ]
    judged = judge(pod({"state": {"running": {}}}), Seen(now=NOW, events=events))
    assert judged.reason == "pod echo-1 is not ready: Readiness probe failed: 503"


def test_a_quota_that_forbids_pods_is_named() -> None:
    """There is no pod to ask: the workload's own condition says why."""
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}
    judged = judge(deployment(availableReplicas=0, updatedReplicas=0, replicas=0, conditions=[refused]), SEEN)
    assert judged.reason == "Deployment echo: 0 of 2 pods are of this version; exceeded quota: small"


@pytest.mark.parametrize(
    ("spec", "status", "state"),
    [
        ({}, {"availableReplicas": 2, "updatedReplicas": 2}, InstanceState.RUNNING),
        ({}, {"availableReplicas": 2, "updatedReplicas": 1}, InstanceState.STARTING),
        (
            {"updateStrategy": {"type": "OnDelete"}},
            {"availableReplicas": 2, "updatedReplicas": 0},
            InstanceState.RUNNING,
        ),
        (
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}},
            {"availableReplicas": 2, "updatedReplicas": 1},
            InstanceState.RUNNING,
        ),
        ({}, {"availableReplicas": 1, "updatedReplicas": 2}, InstanceState.STARTING),
    ],
)
def test_a_stateful_set_is_judged_by_its_way_of_updating(
    spec: dict[str, Any], status: dict[str, Any], state: InstanceState
) -> None:
    """Partitions stay on the older version, and `OnDelete` is updated by hand."""
    found = {**deployment(spec), "kind": "StatefulSet", "status": {"observedGeneration": 2, **status}}
    assert judge(found, SEEN).state is state


def test_a_daemon_set_needs_a_node() -> None:
    """All of none is not ready."""
    found = {**deployment(), "kind": "DaemonSet", "status": {"observedGeneration": 2, "desiredNumberScheduled": 0}}
    assert judge(found, SEEN).reason == "DaemonSet echo: no node is fit for it"
    found["status"] |= {"desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1}
    assert judge(found, SEEN).state is InstanceState.RUNNING


def service(**spec: Any) -> dict[str, Any]:
    """A Service with a selector."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "echo"},
        "spec": {"selector": {"a": "b"}} | spec,
    }


def test_a_service_is_ready_when_it_leads_somewhere() -> None:
    """To one ready endpoint at least; one without a selector is somebody else's business."""
    slices = [
        {
            "metadata": {"labels": {"kubernetes.io/service-name": "echo"}},
            "endpoints": [{"conditions": {"ready": False}}],
        }
    ]
    assert judge(service(), Seen(now=NOW, slices=slices)).reason == "Service echo leads to no endpoint that is ready"
    slices[0]["endpoints"].append({"conditions": {}})
    assert judge(service(), Seen(now=NOW, slices=slices)).state is InstanceState.RUNNING
    assert judge(service(selector=None), SEEN).state is InstanceState.RUNNING


def test_a_job_that_failed_never_gets_ready() -> None:
    """And one that is complete is."""
    found: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "load"}}
    broken = {"type": "Failed", "status": "True", "message": "backoff limit"}
    assert judge({**found, "status": {"conditions": [broken]}}, SEEN) == (
        InstanceState.FAILED,
        "Job load failed: backoff limit",
    )
    done = {"type": "Complete", "status": "True"}
    assert judge({**found, "status": {"conditions": [done]}}, SEEN).state is InstanceState.RUNNING


def test_a_claim_is_ready_when_it_is_bound() -> None:
    """One that lost its volume never will be."""
    found: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "uid": "c"},
    }
    assert judge(found, SEEN).reason == "PersistentVolumeClaim data is not bound"
    assert judge({**found, "status": {"phase": "Lost"}}, SEEN).state is InstanceState.FAILED
    assert judge({**found, "status": {"phase": "Bound"}}, SEEN).state is InstanceState.RUNNING


def test_a_kind_that_nobody_knows_is_judged_by_the_conventions() -> None:
    """A condition that says no is believed; none at all is fine."""
    found: dict[str, Any] = {
        "apiVersion": "example.com/v1",
        "kind": "Tunnel",
        "metadata": {"name": "t", "generation": 1},
    }
    assert judge(found, SEEN).state is InstanceState.RUNNING
    no = {"conditions": [{"type": "Ready", "status": "False", "message": "no peer"}]}
    assert judge({**found, "status": no}, SEEN).reason == "Tunnel t: no peer"
