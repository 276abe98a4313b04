# SPDX-License-Identifier: Apache-2.0
"""The workflows' sandbox, for workers and for replays."""

from typing import Any

from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

PASSED_THROUGH = ("relocate", "readiness", "steering", "opentelemetry", "pydantic", "pydantic_core", "sqlalchemy")
"""Modules that the workflow sandbox shares: pure ones, and those that their packages pull in."""


class _Runner(SandboxedWorkflowRunner):
    """The SDK's sandbox, which is not entered for each payload to ask for its serialization context.

    Our data converter knows no contexts; asking took some 5 % of what a relocation costs a worker (SDK 1.35).
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """As the SDK's."""
        instance = super().create_instance(det)
        instance.get_serialization_context = _no_context  # type: ignore[assignment, method-assign]
        return instance


def _no_context(_command: Any) -> None:
    return None


def sandbox() -> WorkflowRunner:
    """What runs workflows, in workers and in replays alike."""
    return _Runner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
