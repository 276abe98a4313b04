# SPDX-License-Identifier: Apache-2.0
"""Services: they lead to at least one endpoint that is ready, and have the address that their type promises."""

from relocate.clusters.kubernetes.kinds.seen import RUNNING, Judged, Seen, waiting
from relocate.clusters.kubernetes.objects import at, reference
from steering.kubernetes.objects import Object

OF_SERVICE = "kubernetes.io/service-name"
"""Label by which an EndpointSlice says whose it is."""


def judge_service(found: Object, seen: Seen) -> Judged:
    """One without a selector is ready as it stands: somebody else keeps its endpoints."""
    spec = at(found, "spec", default={})
    if spec.get("type") == "ExternalName":
        return RUNNING
    if spec.get("type") == "LoadBalancer" and not at(found, "status", "loadBalancer", "ingress"):
        return waiting(f"{reference(found)} has no address from its load balancer yet")
    if not spec.get("selector"):
        return RUNNING
    if not any(_leads_somewhere(one) for one in seen.slices if belongs_to(one, found)):
        return waiting(f"{reference(found)} leads to no endpoint that is ready")
    return RUNNING


def belongs_to(found: Object, service: Object) -> bool:
    """Whether an EndpointSlice is of this Service."""
    return bool(at(found, "metadata", "labels", OF_SERVICE) == service["metadata"]["name"])


def _leads_somewhere(found: Object) -> bool:
    # A missing `ready` means ready (discovery.k8s.io/v1, EndpointConditions).
    return any(at(one, "conditions", "ready", default=True) for one in found.get("endpoints") or ())
