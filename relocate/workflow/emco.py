# SPDX-License-Identifier: Apache-2.0
"""EMCO's two workflows: each finds out what is meant, and has it relocated, one application after the other.

They are thin on purpose: whatever ends them, cancel, terminate or a time-out, asks their relocation to go back, as it is a child with the
parent close policy *request cancel*. They never fail in a way that Temporal would try again: what went back stays back.
"""

from collections.abc import Mapping
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
    from relocate.emco.moves import State
    from relocate.emco.names import Wanted
    from relocate.emco.spec import WorkflowParams
    from relocate.errors import InvalidRequest
    from relocate.model.relocation import Actor, Outcome, Parent, RelocationRequest, relocation_id
    from relocate.workflow.followed import SIGNAL, Entered
    from relocate.workflow.reasons import sentence_of
    from relocate.workflow.relocation import Relocate

MOVED = (Outcome.COMPLETED, Outcome.NOTHING_TO_DO)
"""Outcomes with which EMCO has what it wanted."""


class EmcoWorkflow:
    """What both have in common."""

    move: ClassVar[moves.Move]

    def __init__(self) -> None:
        """Nothing has been done."""
        self._state = State.STARTED
        self._heard = 0

    async def carry_out(self, given: Any) -> Mapping[str, object]:
        """Everything, from the parameters as they came to the result as EMCO wants it.

        Raises:
            ApplicationError: it was not done, and is not to be tried again; the text says why.
            CancelledError: it was undone, as Temporal was asked to cancel it.
        """
        if workflow.info().attempt > 1:
            raise _over("The run before this one ended too early, and its relocation goes back: start it anew.")
        params = self._params(given)
        self._state = State.GET
        found = await _done(calls.FIND, Wanted.of(params))
        moved: list[str] = []
        for application in found.applications:
            try:
                await self._relocate(application, found.target)
            except ApplicationError as error:
                if not moved:
                    raise
                raise _over(f"{', '.join(moved)} moved to {found.target}; {error.message}") from error
            moved.append(application)
        self._state = State.COMPLETED
        return self.move.result(params)

    @workflow.query(name="current-state")
    def current_state(self) -> str:
        """The original's activity that does something like what goes on now; after a failure, the last one."""
        return self._state

    @workflow.signal(name=SIGNAL)
    def entered(self, told: Entered) -> None:
        """The relocation that runs has entered a phase."""
        if told.number > self._heard:
            self._heard = told.number
            self._state = self.move.shows[told.phase]

    def _params(self, given: Any) -> Mapping[str, str]:
        try:
            params = WorkflowParams.model_validate(given)
            self.move.check(params)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise _over(f"{field}: {first['msg']}") from error
        except InvalidRequest as error:
            raise _over(f"{error.field}: {error}") from error
        return params.activity_params[moves.ALL]

    async def _relocate(self, application: str, target: str) -> None:
        me = workflow.info()
        order = orders.AcceptOrder(
            relocation=relocation_id(workflow.now(), workflow.random().getrandbits(32)),
            request=RelocationRequest(
                application=application, target=target, reason=f"{me.workflow_id} of EMCO"[:1024]
            ),
            actor=Actor(who="EMCO", why=me.workflow_id[:1024]),
            parent=Parent(workflow=me.workflow_id, run=me.run_id),
        )
        begun = await _done(calls.ACCEPT, order)
        self._heard = 0
        try:
            ended = await workflow.execute_child_workflow(
                Relocate.run,
                begun.start,
                id=order.relocation,
                task_queue=begun.task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                static_summary=f"{application}: {order.request.reason}"[:200],
            )
        except ChildWorkflowError as error:
            if is_cancelled_exception(error) and workflow.cancellation_reason() is not None:
                raise CancelledError(f"{application} was not moved: {sentence_of(error.cause or error)}") from error
            raise _over(f"{order.relocation} was ended in Temporal, and goes back: {sentence_of(error)}") from error
        if ended.outcome not in MOVED:
            raise _over(f"{order.relocation}: {ended.outcome}: {ended.sentence}")


async def _done(call: "Call[calls.InT, calls.OutT]", order: "calls.InT") -> "calls.OutT":
    """Have it done on this workflow's own task queue."""
    try:
        given: calls.OutT = await workflow.execute_activity(
            call.name,
            order,
            result_type=call.gives,
            start_to_close_timeout=call.attempt,
            schedule_to_close_timeout=call.altogether,
            retry_policy=call.retry,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        raise _over(sentence_of(error)) from error
    return given


def _over(sentence: str) -> ApplicationError:
    """An end that Temporal does not try again, whatever the caller's retry policy says."""
    return ApplicationError(sentence, type="NotRelocated", non_retryable=True)


@workflow.defn(name="EmcoMigrateWorkflow")
class EmcoMigrate(EmcoWorkflow):
    """Moves every application of a deployment intent group."""

    move = moves.MIGRATE

    @workflow.run
    async def run(self, params: Any = None) -> Mapping[str, object]:
        """Args: params: `WorkflowParams`, as Go writes it."""
        return await self.carry_out(params)


@workflow.defn(name="EmcoRelocateWorkflow")
class EmcoRelocate(EmcoWorkflow):
    """Moves one application of a deployment intent group."""

    move = moves.RELOCATE

    @workflow.run
    async def run(self, params: Any = None) -> Mapping[str, object]:
        """Args: params: `WorkflowParams`, as Go writes it."""
        return await self.carry_out(params)


@workflow.defn(name="MIGRATION_TASK_Q")
class MigrateByQueue(EmcoMigrate):
    """The same, as EMCO's generic workflow client calls it: by the name of its task queue."""

    @workflow.run
    async def run(self, params: Any = None) -> Mapping[str, object]:
        """Args: params: as above."""
        return await self.carry_out(params)


@workflow.defn(name="RELOCATE_TASK_Q")
class RelocateByQueue(EmcoRelocate):
    """As `MigrateByQueue`."""

    @workflow.run
    async def run(self, params: Any = None) -> Mapping[str, object]:
        """Args: params: as above."""
        return await self.carry_out(params)
