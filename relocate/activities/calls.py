# SPDX-License-Identifier: Apache-2.0
"""The table of activities: what each takes and gives, on which queue it runs, and how long it may take.

Three queues, so that long watches can never starve an undo, nor probers the looks that relocations wait for: `watch` for
what only looks, `probe` for the prober, `change` for what changes something (reference: envoy.md, Temporal 5). Time-outs follow from this table and stand nowhere else.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from temporalio.common import RetryPolicy

from relocate.activities import orders
from relocate.emco.names import Wanted
from relocate.phases.judging import Judged

InT = TypeVar("InT")
OutT = TypeVar("OutT")

FINAL_ERRORS = (
    "InvalidRequest",
    "InvalidWorkload",
    "NotFound",
    "StaleFence",
    "Drifted",
    "TargetFailed",
    "NotProven",
    "Unhealthy",
    "Fenced",
    "Conflict",
    "Rejected",
    "UnknownRoute",
)
"""Errors that another attempt would meet again."""


class Queue(StrEnum):
    """Suffix of a task queue's name."""

    WATCH = "watch"
    """Looks that a relocation waits for."""
    PROBE = "probe"
    """Probers. Each runs as long as its relocation: where looks wait for the slots of probers, no relocation ends."""
    CHANGE = "change"


@dataclass(frozen=True)
class Call(Generic[InT, OutT]):
    """One activity, as its caller and its implementation know it."""

    name: str
    takes: type[InT]
    gives: type[OutT]
    queue: Queue
    attempt: timedelta
    """Longest honest run of one attempt."""
    altogether: timedelta | None
    """After this time the step counts as failed; None goes on for ever."""
    heartbeat: timedelta | None = timedelta(seconds=4)
    """After so long a silence its worker counts as dead, and another one begins anew."""
    first_retry: timedelta = timedelta(milliseconds=200)
    slowest_retry: timedelta = timedelta(seconds=5)

    @property
    def retry(self) -> RetryPolicy:
        """Unlimited attempts within `altogether`; final errors end at once."""
        return RetryPolicy(
            initial_interval=self.first_retry,
            maximum_interval=self.slowest_retry,
            non_retryable_error_types=list(FINAL_ERRORS),
        )


_DAY = timedelta(days=1)

SELECT = Call("select", orders.SelectOrder, orders.Selected, Queue.CHANGE, timedelta(seconds=30), timedelta(minutes=2))
DEPLOY = Call(
    "deploy", orders.InstanceOrder, orders.Deployed, Queue.CHANGE, timedelta(seconds=30), timedelta(minutes=2)
)
AWAIT_RUNNING = Call(
    "await_running", orders.RunningOrder, orders.Serving, Queue.WATCH, timedelta(minutes=10), timedelta(minutes=15)
)
STEER = Call("steer", orders.SteerOrder, orders.Steered, Queue.CHANGE, timedelta(minutes=2), timedelta(minutes=5))
GATE = Call("gate", orders.GateOrder, orders.Gated, Queue.WATCH, _DAY, _DAY)
WATCH = Call("watch", orders.WatchOrder, type(None), Queue.PROBE, _DAY, None)
BASELINE = Call("baseline", orders.BaselineOrder, orders.Baseline, Queue.WATCH, _DAY, _DAY)
JUDGE = Call("judge", orders.JudgeOrder, Judged, Queue.WATCH, _DAY, _DAY)
DRAIN = Call("drain", orders.DrainOrder, orders.Drained, Queue.WATCH, _DAY, _DAY)
HEALTH = Call("health", orders.HealthOrder, orders.Gated, Queue.CHANGE, timedelta(seconds=30), timedelta(minutes=1))
TRANSFER = Call("transfer", orders.TransferOrder, type(None), Queue.CHANGE, timedelta(hours=1), timedelta(hours=1))
CHECK = Call("check", orders.CheckOrder, orders.Verdict, Queue.CHANGE, timedelta(minutes=1), timedelta(minutes=3))
REMOVE = Call("remove", orders.RemoveOrder, type(None), Queue.CHANGE, timedelta(minutes=10), timedelta(minutes=15))
SECURE = Call("secure", orders.InstanceOrder, type(None), Queue.CHANGE, timedelta(seconds=30), timedelta(minutes=1))
ACTIVATE = Call("activate", orders.ActivateOrder, type(None), Queue.CHANGE, timedelta(seconds=15), None)
ADOPT = Call("adopt", orders.InstanceOrder, orders.Deployed, Queue.CHANGE, timedelta(seconds=30), timedelta(minutes=2))
CLAIM = Call("claim", orders.ClaimOrder, type(None), Queue.CHANGE, timedelta(minutes=1), timedelta(minutes=3))
FREE = Call("free", orders.InstanceOrder, type(None), Queue.CHANGE, timedelta(seconds=30), timedelta(minutes=2))
FIND = Call("find", Wanted, orders.Found, Queue.CHANGE, timedelta(seconds=10), timedelta(minutes=5))
ACCEPT = Call("accept", orders.AcceptOrder, orders.Begun, Queue.CHANGE, timedelta(seconds=20), None)
"""These two run on the task queue of the workflow that asks for them. `accept` waits for its turn: while another relocation of the
application runs, it fails and is tried again."""
RECORD = Call("record", orders.RecordOrder, type(None), Queue.CHANGE, timedelta(seconds=8), None, heartbeat=None)
"""Runs as a local activity: it is idempotent and takes milliseconds."""
