# SPDX-License-Identifier: Apache-2.0
"""What each phase will do, in one sentence; for dry runs, and for the table in the documentation."""

from collections.abc import Sequence

from relocate.model.application import Application
from relocate.model.relocation import Overrides
from relocate.phases.policy import gate_of, policy_of


def sentences(source: str | None, target: str | None, application: Application, options: Overrides) -> Sequence[str]:
    """The plan of one move, in order; empty when there is no target."""
    if target is None:
        return []
    policy, gate = policy_of(application, options), gate_of(application, options)
    if not application.routes:
        return _unsteered(source, target, application, options)
    gateways = ", ".join(dict.fromkeys(name for route in application.routes for name in route.gateways))
    bake = f"{target} is watched for {policy.bake_seconds:g} s while {source} stays whole"
    steps = ", ".join(f"{step} %" for step in policy.steps)
    return [
        f"select: {target} was chosen.",
        f"deploy: an instance of {application.name} on {target}.",
        f"prepare: {gateways} learn {target}, without traffic, with a probe path to it.",
        f"ready: {len(gate.probes)} checks ({gate.rule}) must hold for {gate.stable_seconds:g} s.",
        f"transfer: {'the hooks of the application' if application.transfer else 'nothing, it keeps no state'}.",
        f"switch: {target} gets {steps} of the requests; each step acknowledged and probed at every gateway instance.",
        f"bake: {bake if policy.bake_seconds else 'nothing, bake_seconds is 0'}.",
        f"drain: until nobody uses {source}; after {policy.drain.deadline_seconds:g} s: {policy.drain.at_deadline}.",
        f"teardown: gateways forget {source}, everything is checked once more, {source} is removed.",
    ]


def _unsteered(source: str | None, target: str, application: Application, options: Overrides) -> Sequence[str]:
    """As above, of an application without routes."""
    policy, gate = policy_of(application, options), gate_of(application, options)
    return [
        f"select: {target} was chosen.",
        f"deploy: an instance of {application.name} on {target}.",
        "prepare: nothing, there is no route.",
        f"ready: {len(gate.probes)} checks ({gate.rule}) must hold for {gate.stable_seconds:g} s, asked directly.",
        f"transfer: {'the hooks of the application' if application.transfer else 'nothing, it keeps no state'}.",
        "switch: nothing, nobody steers its users; where they are is not proven.",
        "bake: nothing, nobody is seen.",
        f"drain: users of {source} get {policy.drain.deadline_seconds:g} s to go; that nobody is left is not proven.",
        f"teardown: everything is checked once more, {source} is removed.",
    ]
