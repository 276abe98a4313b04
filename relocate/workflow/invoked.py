# SPDX-License-Identifier: Apache-2.0
"""What a workflow has to do that a workflow client starts: it is thin, and has a relocation run under it, as its child.

Whatever ends such a workflow, cancel, terminate or a time-out, asks its relocation to go back, by the parent close policy *request
cancel*. It never fails in a way that Temporal would try again: what went back stays back.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from relocate.activities import calls, orders
    from relocate.activities.calls import Call
    from relocate.emco import moves
    from relocate.emco.spec import WorkflowParams
    from relocate.errors import InvalidRequest
    from relocate.model.relocation import Actor, Outcome, Parent, Phase, RelocationRequest, relocation_id
    from relocate.workflow.followed import SIGNAL, Entered
    from relocate.workflow.reasons import sentence_of
    from relocate.workflow.relocation import Relocate

MOVED = (Outcome.COMPLETED, Outcome.NOTHING_TO_DO)
"""Outcomes with which the caller has what it wanted."""


class Invoked:
    """What all of them have in common."""

    who: ClassVar[str] = "EMCO"
    """Who is said to have asked for the relocation."""
    child: ClassVar[Any] = Relocate
    """The workflow that carries it out: a `Relocation` with its `run`."""
    service: ClassVar[str | None] = None
    """Of a workflow that runs on workers of its own: RELOCATE_TASK_QUEUE of the service that does what it orders."""

    def __init__(self) -> None:
        """Nothing has been done."""
        self._heard = 0

    def enters(self, phase: Phase) -> None:
        """The relocation enters a phase."""

    @workflow.signal(name=SIGNAL)
    def entered(self, told: Entered) -> None:
        """As the relocation tells it; signals may overtake each other."""
        if told.number > self._heard:
            self._heard = told.number
            self.enters(told.phase)

    def parameters(self, given: Any, check: Callable[[WorkflowParams], None]) -> Mapping[str, str]:
        """The parameters for all activities.

        Args:
            given: `WorkflowParams`, as Go writes it.
            check: raises InvalidRequest if they will not do.

        Raises:
            ApplicationError: they make no sense; the text names the field.
        """
        try:
            params = WorkflowParams.model_validate(given)
            check(params)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise over(f"{field}: {first['msg']}") from error
        except InvalidRequest as error:
            raise over(f"{error.field}: {error}") from error
        return params.activity_params[moves.ALL]

    async def relocate(self, application: str, target: str) -> "orders.Ended":
        """Have an application moved; its turn comes when no other relocation of it runs.

        Raises:
            ApplicationError: it was not moved, and is not to be tried again; the text says why.
            CancelledError: it was undone, as Temporal was asked to cancel it.
        """
        me = workflow.info()
        order = orders.AcceptOrder(
            relocation=relocation_id(workflow.now(), workflow.random().getrandbits(32)),
            request=RelocationRequest(
                application=application, target=target, reason=f"{me.workflow_id} of {self.who}"[:1024]
            ),
            actor=Actor(who=self.who, why=me.workflow_id[:1024]),
            parent=Parent(workflow=me.workflow_id, run=me.run_id),
        )
        begun = await self.done(calls.ACCEPT, order)
        self._heard = 0
        start, queue = begun.start, begun.task_queue
        if self.service is not None:
            start, queue = start.model_copy(update={"task_queue": begun.task_queue}), me.task_queue
        try:
            ended: orders.Ended = await workflow.execute_child_workflow(
                self.child.run,
                start,
                id=order.relocation,
                task_queue=queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                static_summary=f"{application}: {order.request.reason}"[:200],
            )
        except ChildWorkflowError as error:
            if is_cancelled_exception(error) and workflow.cancellation_reason() is not None:
                raise CancelledError(f"{application} was not moved: {sentence_of(error.cause or error)}") from error
            raise over(f"{order.relocation} was ended in Temporal, and goes back: {sentence_of(error)}") from error
        if ended.outcome not in MOVED:
            raise over(f"{order.relocation}: {ended.outcome}: {ended.sentence}")
        return ended

    async def done(self, call: "Call[calls.InT, calls.OutT]", order: "calls.InT") -> "calls.OutT":
        """Have something done by the service. Raises as `relocate`."""
        try:
            given: calls.OutT = await workflow.execute_activity(
                call.name,
                order,
                task_queue=None if self.service is None else f"{self.service}-{call.queue}",
                result_type=call.gives,
                start_to_close_timeout=call.attempt,
                schedule_to_close_timeout=call.altogether,
                retry_policy=call.retry,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            raise over(sentence_of(error)) from error
        return given


def over(sentence: str) -> ApplicationError:
    """An end that Temporal does not try again, whatever the caller's retry policy says."""
    return ApplicationError(sentence, type="NotRelocated", non_retryable=True)
