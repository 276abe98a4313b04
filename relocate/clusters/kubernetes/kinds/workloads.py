# SPDX-License-Identifier: Apache-2.0
"""Deployment, StatefulSet and DaemonSet: rolled out, and every pod available for as long as `minReadySeconds` says."""

from relocate.clusters.contract import InstanceState
from relocate.clusters.kubernetes.kinds.pods import judge_pod
from relocate.clusters.kubernetes.kinds.seen import RUNNING, Judged, Seen, failed, waiting
from relocate.clusters.kubernetes.objects import at, condition, reference
from steering.kubernetes.objects import Object


def judge_deployment(found: Object, seen: Seen) -> Judged:
    """As `kubectl rollout status`, and at least one replica."""
    wanted, status = _wanted(found), at(found, "status", default={})
    if _unseen(found):
        return _not_taken_up(found)
    if wanted == 0:
        return _nothing(found)
    if status.get("updatedReplicas", 0) < wanted:
        return _why_not(found, seen, f"{status.get('updatedReplicas', 0)} of {wanted} pods are of this version")
    if status.get("replicas", 0) > status["updatedReplicas"]:
        return waiting(f"{reference(found)}: pods of an older version are still there")
    if status.get("availableReplicas", 0) < wanted:
        return _why_not(found, seen, f"{status.get('availableReplicas', 0)} of {wanted} pods are available")
    return RUNNING


def judge_stateful_set(found: Object, seen: Seen) -> Judged:
    """As `kubectl rollout status`; one that is updated by hand (`OnDelete`) only has to be available."""
    wanted, status = _wanted(found), at(found, "status", default={})
    if _unseen(found):
        return _not_taken_up(found)
    if wanted == 0:
        return _nothing(found)
    if status.get("availableReplicas", 0) < wanted:
        return _why_not(found, seen, f"{status.get('availableReplicas', 0)} of {wanted} pods are available")
    if at(found, "spec", "updateStrategy", "type") == "OnDelete":
        return RUNNING
    kept = at(found, "spec", "updateStrategy", "rollingUpdate", "partition", default=0)
    if status.get("updatedReplicas", 0) < wanted - kept:
        return _why_not(found, seen, f"{status.get('updatedReplicas', 0)} of {wanted - kept} pods are of this version")
    return RUNNING


def judge_daemon_set(found: Object, seen: Seen) -> Judged:
    """As `kubectl rollout status`, and at least one node."""
    status = at(found, "status", default={})
    if _unseen(found):
        return _not_taken_up(found)
    wanted = status.get("desiredNumberScheduled", 0)
    if wanted == 0:
        return waiting(f"{reference(found)}: no node is fit for it")
    if at(found, "spec", "updateStrategy", "type") != "OnDelete" and status.get("updatedNumberScheduled", 0) < wanted:
        return _why_not(found, seen, f"{status.get('updatedNumberScheduled', 0)} of {wanted} pods are of this version")
    if status.get("numberAvailable", 0) < wanted:
        return _why_not(found, seen, f"{status.get('numberAvailable', 0)} of {wanted} pods are available")
    return RUNNING


def _wanted(found: Object) -> int:
    wanted: int = at(found, "spec", "replicas", default=1)
    return wanted


def _unseen(found: Object) -> bool:
    """Whether the status is of an older spec, or there is none yet."""
    return bool(at(found, "status", "observedGeneration", default=0) < at(found, "metadata", "generation", default=1))


def _not_taken_up(found: Object) -> Judged:
    return waiting(f"{reference(found)}: its controller has not taken it up yet")


def _nothing(found: Object) -> Judged:
    return waiting(f"{reference(found)}: asks for no pod; at least one is needed")


def _why_not(found: Object, seen: Seen, count: str) -> Judged:
    """The first pod that says something; else what the workload itself says."""
    judged = [judge_pod(pod, seen) for pod in seen.pods_of(found)]
    for state, verdict in ((InstanceState.FAILED, failed), (InstanceState.STARTING, waiting)):
        for one in judged:
            if one.state is state:
                return verdict(f"{reference(found)}: {count}; {one.reason}")
    refused = condition(found, "ReplicaFailure")
    if refused.get("status") == "True":
        return waiting(f"{reference(found)}: {count}; {refused.get('message', '')}")
    progress = condition(found, "Progressing")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return failed(f"{reference(found)}: {count}; {progress.get('message', '')}")
    return waiting(f"{reference(found)}: {count}")
