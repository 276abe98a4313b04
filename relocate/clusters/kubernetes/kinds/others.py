# SPDX-License-Identifier: Apache-2.0
"""Kinds without rules of their own: they are judged by the conventions of the Kubernetes API.

A controller that keeps to them says in `observedGeneration` which spec it has seen, and in a condition `Ready`, `Available` or
`Established` whether all is well (kubernetes/community, api-conventions.md, "Typical status properties").
"""

from relocate.clusters.kubernetes.kinds.seen import RUNNING, Judged, Seen, waiting
from relocate.clusters.kubernetes.objects import at, condition, reference
from steering.kubernetes.objects import Object

CONDITIONS = ("Ready", "Available", "Established")


def judge_other(found: Object, seen: Seen) -> Judged:  # noqa: ARG001 - every kind is asked alike
    """Ready as it stands, unless its own status says otherwise."""
    observed = at(found, "status", "observedGeneration")
    if observed is not None and observed < at(found, "metadata", "generation", default=observed):
        return waiting(f"{reference(found)}: its controller has not taken it up yet")
    for kind in CONDITIONS:
        said = condition(found, kind)
        if said and said.get("status") != "True":
            return waiting(f"{reference(found)}: {said.get('message') or said.get('reason') or f'{kind} is not true'}")
    return RUNNING
