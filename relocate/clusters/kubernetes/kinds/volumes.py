# SPDX-License-Identifier: Apache-2.0
"""Claims of volumes."""

from relocate.clusters.kubernetes.kinds.seen import RUNNING, Judged, Seen, failed, waiting
from relocate.clusters.kubernetes.objects import at, reference
from steering.kubernetes.objects import Object


def judge_claim(found: Object, seen: Seen) -> Judged:
    """Ready when it is bound."""
    phase = at(found, "status", "phase", default="Pending")
    if phase == "Bound":
        return RUNNING
    if phase == "Lost":
        return failed(f"{reference(found)} has lost its volume")
    said = seen.told_of(found, "ProvisioningFailed", "FailedBinding", "WaitForFirstConsumer", "ExternalProvisioning")
    return waiting(f"{reference(found)} is not bound{': ' + said if said else ''}")
