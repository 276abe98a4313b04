# SPDX-License-Identifier: Apache-2.0
"""The workflow without Temporal: a small deterministic loop that the workflow's own, unchanged code runs on.

It stands where the SDK's loop stands (`temporalio.workflow._Runtime`), and answers as that does. Activities are not run
here: each becomes a `Pending`, and whoever owns the loop decides what comes of it, and when.
"""

import asyncio
import collections
import contextvars
import random
from collections.abc import Callable, Coroutine
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from temporalio import workflow
from temporalio.common import MetricMeter
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    RetryState,
    TimeoutError as TemporalTimeout,
    TimeoutType,
)
from temporalio.workflow import _context

EPOCH_NS = 1_800_000_000 * 10**9
"""The workflow's clock stands still at this moment: no decision of it may depend on the time."""

_INFO = SimpleNamespace(task_queue="model-change")


class Pending:
    """An activity that the workflow has asked for and not heard of."""

    def __init__(self, loop: "Loop", name: str, order: Any, options: dict[str, Any]) -> None:
        """Args: options: what `start_activity` was told."""
        waits = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        self.name, self.order = name, order
        self.local = "task_queue" not in options
        self.waits = options.get("cancellation_type") == waits
        self.hears_cancels = options.get("heartbeat_timeout") is not None
        self.bounded = options.get("schedule_to_close_timeout") is not None
        self.cancel_requested = False
        self.future: asyncio.Future[Any] = loop.create_future()
        self._loop = loop

    @property
    def done(self) -> bool:
        """Whether the workflow has been told."""
        return self.future.done()

    def succeed(self, result: Any) -> None:
        """It ended well."""
        self._resolved()
        self.future.set_result(result)

    def fail(self, cause: BaseException) -> None:
        """It ended, for good, with this."""
        self._resolved()
        error = ActivityError(
            "activity failed",
            scheduled_event_id=0,
            started_event_id=0,
            identity="",
            activity_type=self.name,
            activity_id="",
            retry_state=RetryState.NON_RETRYABLE_FAILURE,
        )
        error.__cause__ = cause
        self.future.set_exception(error)

    def time_out(self) -> None:
        """It was tried for as long as it may be."""
        self.fail(TemporalTimeout("activity timed out", type=TimeoutType.SCHEDULE_TO_CLOSE, last_heartbeat_details=[]))

    def cancelled(self) -> None:
        """It was told of the cancel, and ended."""
        self.fail(CancelledError("cancelled"))

    def request_cancel(self) -> None:
        """The workflow wants it cancelled; unless its end is waited for, that is its end."""
        self.cancel_requested = True
        if not self.waits and not self.done:
            self.cancelled()

    def _resolved(self) -> None:
        self._loop.pending.remove(self)


class _Handle(workflow.ActivityHandle[Any]):
    """What the workflow holds: a cancel asks for one, and the activity's end decides."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], pending: Pending) -> None:
        super().__init__(coroutine)
        self._pending = pending
        self.started = False

    def cancel(self, msg: Any | None = None) -> bool:
        if not self.started and not self.done():
            self._pending.request_cancel()
        return super().cancel(msg)


class Loop(asyncio.AbstractEventLoop):
    """An event loop without time, and the runtime of one workflow."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self.pending: list[Pending] = []
        """Activities, in the order in which they were asked for."""
        self.tasks: list[asyncio.Task[Any]] = []
        self.handlers = 0
        """Signals and updates that have begun and not ended."""
        self._ready: collections.deque[tuple[Callable[..., Any], tuple[Any, ...], contextvars.Context | None]] = (
            collections.deque()
        )
        self._conditions: list[tuple[Callable[[], bool], asyncio.Future[Any]]] = []
        self._random: random.Random | None = None
        _context._Runtime.set_on_loop(self, self)

    def close(self) -> None:
        """Nothing runs any more. What has run is let go of, and need not be searched for as garbage."""
        for task in self.tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
        for kept in (self.tasks, self.pending, self._conditions, self._ready):
            kept.clear()
        _context._Runtime.set_on_loop(self, None)

    @contextmanager
    def running(self) -> Any:
        """While the block runs, code finds itself inside the workflow."""
        asyncio._set_running_loop(self)
        try:
            yield
        finally:
            asyncio._set_running_loop(None)

    def settle(self) -> None:
        """Run until nothing moves."""
        ready = self._ready
        asyncio._set_running_loop(self)
        try:
            while True:
                while ready:
                    callback, args, context = ready.popleft()
                    if context is None:
                        callback(*args)
                    else:
                        context.run(callback, *args)
                if self._conditions:
                    self._conditions = [one for one in self._conditions if not self._holds(*one)]
                if not ready:
                    return
        finally:
            asyncio._set_running_loop(None)

    @staticmethod
    def _holds(condition: Callable[[], bool], future: asyncio.Future[Any]) -> bool:
        """Whether a condition need not be waited for any more; whoever waits is told."""
        if future.done():
            return True
        if condition():
            future.set_result(None)
            return True
        return False

    def handle_update(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Let an update be handled that its validator has let through."""

        async def handled() -> None:
            try:
                await coroutine
            finally:
                self.handlers -= 1

        self.handlers += 1
        self.spawn(handled())

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task, made from outside."""
        with self.running():
            return self.create_task(coroutine)

    # ---- what asyncio asks of a loop -------------------------------------------------------------------------------

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        """As asyncio says, but for the handle: nobody takes a call back."""
        self._ready.append((callback, args, context))

    def create_future(self) -> asyncio.Future[Any]:
        """As asyncio says."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
        """As asyncio says."""
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self.tasks.append(task)
        return task

    def call_exception_handler(self, context: Any) -> None:
        """What nobody caught is seen in the task that it ended; runs that are given up end as they may."""

    def get_debug(self) -> bool:
        """As asyncio says."""
        return False

    def is_running(self) -> bool:
        """As asyncio says."""
        return True

    # ---- what the workflow asks of its runtime -----------------------------------------------------------------------

    def workflow_info(self) -> Any:
        """As the SDK says."""
        return _INFO

    def workflow_time_ns(self) -> int:
        """As the SDK says."""
        return EPOCH_NS

    def workflow_random(self) -> random.Random:
        """As the SDK says."""
        if self._random is None:
            self._random = random.Random(0)  # noqa: S311 - no secret is made of it
        return self._random

    def workflow_metric_meter(self) -> MetricMeter:
        """Nobody measures."""
        return MetricMeter.noop

    def workflow_upsert_search_attributes(self, attributes: Any, **_: Any) -> None:
        """As the SDK says; nobody lists here."""

    def workflow_all_handlers_finished(self) -> bool:
        """As the SDK says."""
        return self.handlers == 0

    async def workflow_wait_condition(self, fn: Callable[[], bool], **_: Any) -> None:
        """As the SDK says, without time-outs: the workflow has none."""
        future = self.create_future()
        self._conditions.append((fn, future))
        await future

    def workflow_start_activity(self, activity: str, order: Any, **options: Any) -> Any:
        """As the SDK says."""
        pending = Pending(self, activity, order, options)
        self.pending.append(pending)

        async def outcome() -> Any:
            handle.started = True
            while True:
                try:
                    return await self._shielded(pending.future)
                except asyncio.CancelledError:
                    if pending.done:
                        raise
                    pending.request_cancel()
                    if (task := asyncio.current_task()) is not None:
                        task.uncancel()

        handle = _Handle(outcome(), pending)
        self.tasks.append(handle)
        return handle

    workflow_start_local_activity = workflow_start_activity

    async def _shielded(self, future: asyncio.Future[Any]) -> Any:
        """Wait for a future that a cancel of whoever waits does not cancel."""
        waiter = self.create_future()

        def wake(_: asyncio.Future[Any]) -> None:
            if not waiter.done():
                waiter.set_result(None)

        future.add_done_callback(wake)
        try:
            await waiter
        finally:
            future.remove_done_callback(wake)
        return future.result()


def final(error: Exception) -> ApplicationError:
    """An activity's own error as the workflow meets it."""
    return ApplicationError(str(error), type=type(error).__name__, non_retryable=True)
