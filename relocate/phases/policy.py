# SPDX-License-Identifier: Apache-2.0
"""How one relocation goes: the application's policy with what the request says differently."""

from readiness.model import GateSpec
from relocate.model.application import Application, Policy
from relocate.model.relocation import Overrides


def policy_of(application: Application, overrides: Overrides) -> Policy:
    """The application's policy; every field that the request sets wins."""
    said = {name: value for name in Policy.model_fields if (value := getattr(overrides, name)) is not None}
    return application.policy.model_copy(update=said)


def gate_of(application: Application, overrides: Overrides) -> GateSpec:
    """The application's readiness gate, with the request's deadline."""
    if overrides.ready_deadline_seconds is None:
        return application.readiness
    return application.readiness.model_copy(update={"deadline_seconds": overrides.ready_deadline_seconds})
