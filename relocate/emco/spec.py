# SPDX-License-Identifier: Apache-2.0
"""What workflowmgr and the TAC controller send to a workflow client: an intent's `spec.temporal`.

`StartWorkflowOptions` and `ActivityOptions` are the Temporal Go SDK's (v1.13.1), without JSON tags: hence the capitals. Zero
means that Temporal decides.
"""

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from relocate.emco.go import Float64, GoStruct, Int32, Nanoseconds, Texts


class RetryPolicy(GoStruct):
    """`temporal.RetryPolicy`."""

    initial_interval: Nanoseconds = Field(default=0, alias="InitialInterval")
    backoff_coefficient: Float64 = Field(default=0.0, alias="BackoffCoefficient")
    maximum_interval: Nanoseconds = Field(default=0, alias="MaximumInterval")
    maximum_attempts: Int32 = Field(default=0, alias="MaximumAttempts")
    non_retryable_error_types: list[str] | None = Field(default=None, alias="NonRetryableErrorTypes")


class StartOptions(GoStruct):
    """`client.StartWorkflowOptions`."""

    id: str = Field(default="", alias="ID", max_length=1000)
    task_queue: str = Field(default="", alias="TaskQueue", max_length=1000)
    execution_timeout: Nanoseconds = Field(default=0, alias="WorkflowExecutionTimeout")
    run_timeout: Nanoseconds = Field(default=0, alias="WorkflowRunTimeout")
    task_timeout: Nanoseconds = Field(default=0, alias="WorkflowTaskTimeout")
    id_reuse_policy: int = Field(default=0, ge=0, le=4, alias="WorkflowIDReusePolicy")
    """0 unspecified, 1 allow a duplicate, 2 only of one that failed, 3 reject, 4 terminate the one that runs."""
    error_when_already_started: bool = Field(default=False, alias="WorkflowExecutionErrorWhenAlreadyStarted")
    retry_policy: RetryPolicy | None = Field(default=None, alias="RetryPolicy")
    cron_schedule: str = Field(default="", alias="CronSchedule")
    memo: dict[str, Any] | None = Field(default=None, alias="Memo")
    search_attributes: dict[str, Any] | None = Field(default=None, alias="SearchAttributes")


class ActivityOptions(GoStruct):
    """`workflow.ActivityOptions`."""

    task_queue: str = Field(default="", alias="TaskQueue")
    schedule_to_close_timeout: Nanoseconds = Field(default=0, alias="ScheduleToCloseTimeout")
    schedule_to_start_timeout: Nanoseconds = Field(default=0, alias="ScheduleToStartTimeout")
    start_to_close_timeout: Nanoseconds = Field(default=0, alias="StartToCloseTimeout")
    heartbeat_timeout: Nanoseconds = Field(default=0, alias="HeartbeatTimeout")
    wait_for_cancellation: bool = Field(default=False, alias="WaitForCancellation")
    activity_id: str = Field(default="", alias="ActivityID")
    retry_policy: RetryPolicy | None = Field(default=None, alias="RetryPolicy")


class WorkflowParams(GoStruct):
    """The one argument of a workflow: options by activity, and texts by activity; `all-activities` stands for each."""

    activity_options: dict[str, ActivityOptions] = Field(default_factory=dict, alias="activityOptions")
    activity_params: dict[str, Texts] = Field(default_factory=dict, alias="activityParams")

    @model_serializer(mode="wrap")
    def _without_empty(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As Go's `omitempty` writes it."""
        return {key: value for key, value in write(self).items() if value}

    def payload(self) -> bytes:
        """As a Go client hands it to Temporal: no spaces, Go's order of keys."""
        return self.model_dump_json().encode()


class TemporalSpec(GoStruct):
    """`WfTemporalSpec`, the body of `POST /invoke/{workflowClientName}`."""

    workflow_client_name: str = Field(default="", alias="workflowClientName")
    start_options: StartOptions = Field(alias="workflowStartOptions")
    params: WorkflowParams = Field(default=WorkflowParams(), alias="workflowParams")
