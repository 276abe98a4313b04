# SPDX-License-Identifier: Apache-2.0
"""Pods and Jobs, and why they do not run: from conditions, container states and events, in one sentence."""

from collections.abc import Iterator, Mapping
from typing import Any

from relocate.clusters.kubernetes.kinds.seen import RUNNING, Judged, Seen, failed, waiting
from relocate.clusters.kubernetes.objects import at, condition, moment, reference
from steering.kubernetes.objects import Object

IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"})
CONFIGURATION = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
HOPELESS = frozenset({"ErrImageNeverPull", "InvalidImageName"})
"""What no time mends."""
CRASHING = "CrashLoopBackOff"


def judge_pod(found: Object, seen: Seen) -> Judged:
    """Ready, or why not; failed when a container has failed in the same way for longer than anybody waits."""
    name = f"pod {found['metadata']['name']}"
    phase = at(found, "status", "phase", default="Pending")
    if phase in ("Failed", "Succeeded"):
        said = at(found, "status", "message") or at(found, "status", "reason") or "it runs no more"
        return failed(f"{name} has ended: {said}")
    if condition(found, "Ready").get("status") == "True":
        return RUNNING
    for container in _containers(found):
        reason = _why_not(container)
        if reason is not None:
            text = f"{name}: {reason}"
            return failed(text) if _hopeless(found, container, seen) else waiting(text)
    return waiting(f"{name} {_why_not_yet(found, seen)}")


def _why_not_yet(found: Object, seen: Seen) -> str:
    """What keeps a pod whose containers have nothing to complain of."""
    scheduled = condition(found, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"is not scheduled: {scheduled.get('message') or scheduled.get('reason')}"
    if at(found, "status", "phase", default="Pending") == "Pending":
        held = seen.told_of(found, "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
        return f"does not start: {held}" if held else "is starting"
    unhealthy = seen.told_of(found, "Unhealthy")
    return f"is not ready: {unhealthy}" if unhealthy else "is not ready"


def judge_job(found: Object, seen: Seen) -> Judged:
    """Ready when it is complete."""
    if condition(found, "Complete").get("status") == "True":
        return RUNNING
    broken = condition(found, "Failed")
    if broken.get("status") == "True":
        return failed(f"{reference(found)} failed: {broken.get('message') or broken.get('reason')}")
    for pod in seen.pods_of(found):
        judged = judge_pod(pod, seen)
        if judged is not RUNNING and at(pod, "status", "phase") == "Pending":
            return waiting(f"{reference(found)}: {judged.reason}")
    return waiting(f"{reference(found)} is not complete")


def _containers(pod: Object) -> Iterator[Mapping[str, Any]]:
    """Statuses in the order in which containers start."""
    yield from at(pod, "status", "initContainerStatuses", default=())
    yield from at(pod, "status", "containerStatuses", default=())


def _why_not(container: Mapping[str, Any]) -> str | None:
    """What keeps a container from running; None when it only takes its time."""
    name, held = f"container {container['name']}", at(container, "state", "waiting", default={})
    reason, message = held.get("reason", ""), " ".join(held.get("message", "").split())
    if reason in IMAGE:
        return f"{name}: the image {container.get('image')} cannot be had: {message or reason}"
    if reason in CONFIGURATION:
        return f"{name} cannot be made: {message or reason}"
    ended = _last_end(container)
    if reason == CRASHING or (ended and not container.get("ready")):
        return f"{name} keeps ending ({container.get('restartCount', 0)} restarts), last {_how(ended)}"
    return None


def _last_end(container: Mapping[str, Any]) -> Mapping[str, Any]:
    """How it ended last when it should not have; empty where it did not."""
    ended = at(container, "state", "terminated") or at(container, "lastState", "terminated", default={})
    return ended if ended.get("exitCode") or container.get("restartCount") else {}


def _how(ended: Mapping[str, Any]) -> str:
    said = " ".join(ended.get("message", "").split())[:200]
    how = "out of memory" if ended.get("reason") == "OOMKilled" else f"with status {ended.get('exitCode', 'unknown')}"
    return f"{how}: {said}" if said else how


def _hopeless(pod: Object, container: Mapping[str, Any], seen: Seen) -> bool:
    if at(container, "state", "waiting", "reason") in HOPELESS:
        return True
    since = at(pod, "status", "startTime") or at(pod, "metadata", "creationTimestamp")
    return since is not None and (seen.now - moment(since)).total_seconds() > seen.patience_seconds
