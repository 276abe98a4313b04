# SPDX-License-Identifier: Apache-2.0
"""Workflows of any kind, as EMCO's workflowmgr has them started.

The request to Temporal is made here, field by field as the Go SDK makes it: Python's SDK checks options that Go leaves to Temporal
(zeros), and has no nanoseconds.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Payload, Payloads, RetryPolicy as RetryPolicyMessage, WorkflowType
from temporalio.api.errordetails.v1 import WorkflowExecutionAlreadyStartedFailure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import StartWorkflowExecutionRequest
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError, RPCStatusCode

from relocate.emco.clients import Invocation
from relocate.emco.spec import RetryPolicy
from relocate.emco.workflows import Answer, Question, Started
from relocate.errors import AlreadyStarted, EngineUnavailable, InvalidRequest, NotFound, NotRunning
from relocate.temporal.connection import ANSWER
from relocate.temporal.failures import asking
from relocate.temporal.go_proto import as_go_writes
from relocate.workflow.reasons import sentence_of

PROJECT = "relocate-project"
"""Key of the memo that says whose a workflow is."""

BACKOFF = 2.0
"""Where none is given: the Go SDK puts this in, as Temporal takes nothing below 1."""
REFUSED = (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.OUT_OF_RANGE, RPCStatusCode.FAILED_PRECONDITION)

LONGEST_WAIT = 600.0
"""Seconds for which an end is waited for, at the caller's wish."""

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

    async def project_of(self, workflow: str, run: str) -> str:
        """By its memo. See `relocate.emco.workflows.Workflows`."""
        async with about(workflow):
            found = await _described(self._client.get_workflow_handle(workflow, run_id=run or None))
            return str(await found.memo_value(PROJECT, ""))

    async def look(self, question: Question) -> Answer:
        """One call for each thing that is asked for. See `relocate.emco.workflows.Workflows`."""
        handle = self._client.get_workflow_handle(question.workflow, run_id=question.run or None)
        async with about(question.workflow):
            result, failure = await _end(handle) if question.waits else (None, "")
            return Answer(
                description=as_go_writes((await _described(handle)).raw_description) if question.description else {},
                history=[as_go_writes(event) async for event in _events(handle)] if question.history else None,
                query=await _asked(handle, question.query) if question.query else None,
                result=result,
                failure=failure,
            )

    async def cancel(self, workflow: str, run: str) -> None:
        """Kept by Temporal, also while no worker runs."""
        async with about(workflow):
            await self._client.get_workflow_handle(workflow, run_id=run or None).cancel(rpc_timeout=ANSWER)
        _log.info("asked a workflow to end", workflow=workflow, run=run)

    async def terminate(self, workflow: str, run: str, reason: str, details: Sequence[Any]) -> None:
        """It has ended when this returns."""
        handle = self._client.get_workflow_handle(workflow, run_id=run or None)
        try:
            async with about(workflow):
                await handle.terminate(*details, reason=reason, rpc_timeout=ANSWER)
        except NotFound:
            async with about(workflow):
                found = await _described(handle)
            how = found.status.name.lower() if found.status is not None else "nobody knows how"
            raise NotRunning(f"{workflow} has ended: {how}") from None
        _log.info("terminated a workflow", workflow=workflow, run=run, reason=reason)

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
        if invocation.project:
            _say(request.memo.fields, {PROJECT: invocation.project})
        _say(request.search_attributes.indexed_fields, options.search_attributes)
        return request


@asynccontextmanager
async def about(workflow: str) -> AsyncIterator[None]:
    """Around what is asked of Temporal about one workflow.

    Raises:
        NotFound: Temporal knows no such workflow, or it has ended.
        EngineUnavailable: Temporal, or a worker, did not answer.
    """
    try:
        async with asking(workflow):
            yield
    except NotRunning as error:
        raise NotFound(f"Temporal knows no workflow {workflow} that it could ask") from error


async def _end(handle: WorkflowHandle[Any, Any]) -> tuple[Any, str]:
    """Result, or why there is none; neither, if it has not ended in time."""
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            return await handle.result(), ""
    except WorkflowFailureError as error:
        return None, sentence_of(error.cause)
    except TimeoutError:
        return None, ""


async def _described(handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionDescription:
    return await handle.describe(rpc_timeout=ANSWER)


def _events(handle: WorkflowHandle[Any, Any]) -> AsyncIterator[HistoryEvent]:
    return handle.fetch_history_events(rpc_timeout=ANSWER)


async def _asked(handle: WorkflowHandle[Any, Any], query: str) -> str:
    try:
        answer: object = await handle.query(query, rpc_timeout=ANSWER)
    except WorkflowQueryFailedError as error:
        raise InvalidRequest(f"queryType: {query}: {error}", field="query.queryType") from error
    return answer if isinstance(answer, str) else _json(answer).decode()


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


def _json(value: object) -> bytes:
    """As Go writes it: no spaces, and letters as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(text: bytes) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=text)


def _say(fields: Any, given: Mapping[str, object] | None) -> None:
    for name, value in (given or {}).items():
        fields[name].CopyFrom(_plain(_json(value)))
