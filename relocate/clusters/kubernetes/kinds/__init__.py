# SPDX-License-Identifier: Apache-2.0
"""Whether an object is ready, as kubectl and Helm judge it, and why not: a module for each family of kinds (pure).

Ready is not reachable: between the two lay 1.1 s where it was measured (reference: gateway-api.md). The readiness gate asks the
real way; this only says when asking makes sense, and what is wrong when it never does.
"""

from collections.abc import Callable, Mapping

from relocate.clusters.kubernetes.kinds.others import judge_other
from relocate.clusters.kubernetes.kinds.pods import judge_job, judge_pod
from relocate.clusters.kubernetes.kinds.seen import Judged, Seen
from relocate.clusters.kubernetes.kinds.services import judge_service
from relocate.clusters.kubernetes.kinds.volumes import judge_claim
from relocate.clusters.kubernetes.kinds.workloads import judge_daemon_set, judge_deployment, judge_stateful_set
from steering.kubernetes.objects import Object

_BY_KIND: Mapping[str, Callable[[Object, Seen], Judged]] = {
    "DaemonSet": judge_daemon_set,
    "Deployment": judge_deployment,
    "Job": judge_job,
    "PersistentVolumeClaim": judge_claim,
    "Pod": judge_pod,
    "Service": judge_service,
    "StatefulSet": judge_stateful_set,
}


def judge(found: Object, seen: Seen) -> Judged:
    """One object of an instance, as it was last seen.

    Args:
        found: it.
        seen: everything of the instance, to say why something is not ready.
    """
    return _BY_KIND.get(found["kind"], judge_other)(found, seen)


__all__ = ["Judged", "Seen", "judge"]
