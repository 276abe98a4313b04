# SPDX-License-Identifier: Apache-2.0
"""Workflows of any kind, as EMCO's workflowmgr has them started.

The request to Temporal is made here, field by field as the Go SDK makes it: Python's SDK checks options that Go leaves to Temporal
(zeros), and has no nanoseconds.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from google.protobuf.duration_pb2 import Duration
from pydantic_core import to_json
from temporalio.api.common.v1 import Payload, Payloads, RetryPolicy as RetryPolicyMessage, WorkflowType
from temporalio.api.errordetails.v1 import WorkflowExecutionAlreadyStartedFailure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import StartWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from relocate.emco.clients import Invocation
from relocate.emco.spec import RetryPolicy
from relocate.emco.workflows import Started
from relocate.errors import AlreadyStarted, EngineUnavailable, InvalidRequest
from relocate.temporal.connection import ANSWER

BACKOFF = 2.0
"""Where none is given: the Go SDK puts this in, as Temporal takes nothing below 1."""
REFUSED = (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.OUT_OF_RANGE, RPCStatusCode.FAILED_PRECONDITION)

_log = structlog.get_logger(__name__)


class TemporalWorkflows:
    """Starts what is asked for."""

    def __init__(self, client: Client) -> None:
        """Args: client: may be lazy."""
        self._client = client

    def use(self, client: Client) -> None:
        """Ask Temporal through this client from now on."""
        self._client = client

    async def start(self, invocation: Invocation) -> Started:
        """One call; a repetition of it, by us, is the same one to Temporal. See `relocate.emco.workflows.Workflows`."""
        request = self._request(invocation)
        said = {"workflow": request.workflow_id, "type": invocation.workflow_type, "queue": invocation.task_queue}
        try:
            answer = await self._client.workflow_service.start_workflow_execution(request, retry=True, timeout=ANSWER)
        except RPCError as error:
            run = _already(error)
            if run is not None:
                if invocation.options.error_when_already_started:
                    raise AlreadyStarted(f"{request.workflow_id}: {error.message}") from error
                _log.info("had been started before", run=run, **said)
                return Started(workflow=request.workflow_id, run=run, already=True)
            if error.status in REFUSED:
                raise InvalidRequest(f"Temporal says: {error.message}", field="workflowStartOptions") from error
            may = (
                "it may have been started" if error.status is RPCStatusCode.DEADLINE_EXCEEDED else "it was not started"
            )
            raise EngineUnavailable(f"Temporal cannot be asked to start it ({may}): {error.message}") from error
        except RuntimeError as error:
            raise EngineUnavailable(f"Temporal cannot be reached; it was not started: {error}") from error
        _log.info("started a workflow", run=answer.run_id, **said)
        return Started(workflow=request.workflow_id, run=answer.run_id, already=False)

    def _request(self, invocation: Invocation) -> StartWorkflowExecutionRequest:
        options = invocation.options
        request = StartWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_id=options.id or str(uuid.uuid4()),
            workflow_type=WorkflowType(name=invocation.workflow_type),
            task_queue=TaskQueue(name=invocation.task_queue),
            input=Payloads(payloads=[_plain(invocation.argument)]),
            workflow_execution_timeout=_duration(options.execution_timeout),
            workflow_run_timeout=_duration(options.run_timeout),
            workflow_task_timeout=_duration(options.task_timeout),
            identity=self._client.identity,
            request_id=str(uuid.uuid4()),
            workflow_id_reuse_policy=options.id_reuse_policy,  # type: ignore[arg-type]  # checked: 0 to 4
            retry_policy=None if options.retry_policy is None else _retry(options.retry_policy),
            cron_schedule=options.cron_schedule,
        )
        _say(request.memo.fields, options.memo)
        _say(request.search_attributes.indexed_fields, options.search_attributes)
        return request


def _already(error: RPCError) -> str | None:
    """Id of the run that there is already, if that is what Temporal says."""
    if error.status is not RPCStatusCode.ALREADY_EXISTS:
        return None
    details = WorkflowExecutionAlreadyStartedFailure()
    for detail in error.grpc_status.details:
        detail.Unpack(details)
    return details.run_id


def _retry(policy: RetryPolicy) -> RetryPolicyMessage:
    return RetryPolicyMessage(
        initial_interval=_duration(policy.initial_interval),
        backoff_coefficient=policy.backoff_coefficient or BACKOFF,
        maximum_interval=_duration(policy.maximum_interval),
        maximum_attempts=policy.maximum_attempts,
        non_retryable_error_types=policy.non_retryable_error_types or (),
    )


def _duration(nanoseconds: int) -> Duration:
    """Exact; Python's own `timedelta` ends at microseconds."""
    message = Duration()
    message.FromNanoseconds(nanoseconds)
    return message


def _plain(json: bytes) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=json)


def _say(fields: Any, given: Mapping[str, object] | None) -> None:
    for name, value in (given or {}).items():
        fields[name].CopyFrom(_plain(to_json(value)))
