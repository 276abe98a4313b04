# SPDX-License-Identifier: Apache-2.0
"""What one run knows: the two sides, its fence, and how to have something done."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

from relocate.activities import calls, orders
from relocate.activities.calls import Call, Queue
from relocate.errors import Drifted
from relocate.evidence.samples import Started, without_settings
from relocate.model.evidence import Claim
from relocate.model.relocation import Phase
from relocate.phases import documents
from relocate.phases.documents import Sides
from relocate.phases.policy import gate_of, policy_of
from relocate.workflow.journal import Journal, Silence
from relocate.workflow.reasons import is_a
from steering.model import Backend, Fence, Version

InT = TypeVar("InT", bound=orders.Order)
OutT = TypeVar("OutT")

PROBE_LIFE = timedelta(hours=24)
"""A probe path nobody took away is taken away by the control plane after this time."""


class Move:
    """The facts of one run. It orders; it does not decide."""

    def __init__(self, start: orders.Start, journal: Journal | Silence) -> None:
        """Args: start: what the run started with; journal: where phases are told."""
        self.start = start
        self.journal = journal
        self.policy = policy_of(start.application, start.request.options)
        self.gate = gate_of(start.application, start.request.options)
        self.written = orders.Written()
        self.source: orders.Serving | None = None
        self.target: orders.Serving | None = None
        self.made: dict[str, str] | None = None
        """Cluster and instance that this run asked for, running or not, until it has been removed."""
        self._doomed: list[dict[str, str]] = []
        """Cluster and instance of each removal that was ordered and did not end well: it may still come."""
        self.accepted: dict[str, Version] = {}
        """Somebody else's changes that an operator wants replaced, as `SteerOrder` has them."""
        self.strayed = False
        """Somebody else's weights may stand, kept when probe paths were renewed: users may be on either side."""
        self.mends = False
        """Routes that somebody deleted are written anew: on the way back, where nobody is served until they are."""
        self._target_weight = 0
        self._sequence = 0
        self._tokens: dict[str, str] = {}
        self._expiry: datetime | None = None

    @property
    def from_(self) -> Backend:
        """The source side."""
        if self.source is None:
            raise LookupError("the source has not been found yet")
        return self.source.backend

    @property
    def to(self) -> Backend:
        """The target side."""
        if self.target is None:
            raise LookupError("the target does not run yet")
        return self.target.backend

    def new_instance(self, cluster: str) -> dict[str, str]:
        """Cluster and name of this run's own instance there."""
        return {"cluster": cluster, "instance": f"{self.start.application.name}-{self.start.relocation[-8:]}"}

    def started(self) -> Claim:
        """What was asked for and which policy is in force, for the record."""
        application, request = self.start.application, self.start.request
        samples = Started(
            request=request, policy=self.policy, gate=without_settings(self.gate), routes=application.routes
        )
        sentence = f"{application.name} is to move{f': {request.reason}' if request.reason else ''}"
        return Claim(rung="note", phase=Phase.SELECT, sentence=sentence, detail=samples.detail())

    def order(self, call: Call[InT, OutT], phase: Phase, **says: object) -> InT:
        """An order under a fence that no earlier step or undo has used; it brings along what the journal was told."""
        self._sequence += 1
        return call.takes(
            relocation=self.start.relocation,
            application=self.start.application,
            phase=phase,
            fence=Fence(lease=self.start.lease, sequence=self._sequence),
            told=self.journal.hand_out(),
            **says,
        )

    async def do(self, call: Call[InT, OutT], phase: Phase, **says: object) -> OutT:
        """Have one activity done, under a fresh fence, and wait for it."""
        order = self.order(call, phase, **says)
        given = await self.start_call(call, order)
        self.journal.kept(order.told)
        if (task := asyncio.current_task()) is not None and task.cancelling():
            # A change that was done before its cancel arrived has swallowed the cancel; the way forward ends all the same.
            raise asyncio.CancelledError
        return given

    def start_call(self, call: Call[InT, OutT], order: InT) -> "workflow.ActivityHandle[OutT]":
        """Start an activity as the table of calls says. A change is waited for even when it is cancelled."""
        waits = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        tries = workflow.ActivityCancellationType.TRY_CANCEL
        return workflow.start_activity(
            call.name,
            order,
            task_queue=queue_beside(self.start.task_queue or workflow.info().task_queue, call.queue),
            result_type=call.gives,
            start_to_close_timeout=call.attempt,
            schedule_to_close_timeout=call.altogether,
            heartbeat_timeout=call.heartbeat,
            retry_policy=call.retry,
            cancellation_type=waits if call.queue is Queue.CHANGE else tries,
        )

    async def deploy(self, cluster: str, instance: str) -> None:
        """Have the target made, and wait until it runs."""
        where = {"cluster": cluster, "instance": instance}
        self.target = (await self.do(calls.DEPLOY, Phase.DEPLOY, **where)).serving
        if self.target is None:
            seconds = self.policy.deploy_seconds
            self.target = await self.do(calls.AWAIT_RUNNING, Phase.DEPLOY, **where, seconds=seconds)

    async def remove(self, phase: Phase, where: dict[str, str], *, serves: str | None = None) -> None:
        """Have an instance removed. Until that has ended well, it may still happen: see `secure`."""
        if where not in self._doomed:
            self._doomed.append(where)
        await self.do(calls.REMOVE, phase, **where, serves=serves)
        self._doomed.remove(where)

    async def secure(self, phase: Phase, side: Backend) -> None:
        """Before a side gets traffic: a removal of it that was ordered and given up must not come any more."""
        where = {"cluster": side.name, "instance": side.instance}
        if where in self._doomed:
            await self.do(calls.SECURE, phase, **where)
            self._doomed.remove(where)

    @property
    def steered(self) -> bool:
        """Whether anybody steers users of this application."""
        return bool(self.start.application.routes)

    @property
    def sides(self) -> "Sequence[Backend]":
        """The sides that are known: the source first, then the target while there is one."""
        return [serving.backend for serving in (self.source, self.target) if serving is not None]

    def besides(self, stays: Backend) -> "Sequence[dict[str, str]]":
        """Cluster and instance of whatever this run knows of besides one side: another side, or what was made."""
        places = [{"cluster": side.name, "instance": side.instance} for side in self.sides]
        if self.made is not None and self.made not in places:
            places.append(self.made)
        return [place for place in places if place["cluster"] != stays.name]

    def drains(self, side: str, *, back: bool = False) -> dict[str, object]:
        """What an order to drain says. On the way `back` nobody waits beyond the deadline: the side is to be removed."""
        drain = self.policy.drain.model_copy(update={"at_deadline": "force"}) if back else self.policy.drain
        waived = self.policy.waived_instances
        return {"side": side, "drain": drain, "waived_instances": waived, "written": self.written}

    async def ensure_probe_paths(self, phase: Phase) -> None:
        """Give both sides a probe path again where the document that stands may name none, and leave the weights as they are.

        What was ordered last need not stand: its write may have failed before or after it was made, or somebody else's
        change may be there, which an operator lets be replaced; it is, by what follows, when a side is proven healthy.

        Without a probe path, a question "through the gateways" would be answered by whichever side has the weight.
        """
        if self.target is None or (self._expiry is not None and not self.accepted):
            return
        self.strayed = self.strayed or bool(self.accepted)
        try:
            await self.steer(phase, self.shares(self._target_weight, failover=False), seen=False, keeps=True)
        except Exception:
            self.forget_probe_paths()  # nobody knows who has them: whoever asks next has to write them again
            raise

    async def steer(
        self, phase: Phase, sides: Sides, *, seen: bool = True, healthy: bool = True, keeps: bool = False
    ) -> orders.Steered:
        """Write one document everywhere and have it proven live; nothing, where there is no route.

        Args:
            phase: in which it is written.
            sides: what is written.
            seen: False asks for acknowledgements only; for a document that moves no traffic.
            healthy: False lets what is seen fail; for a document that moves no traffic.
            keeps: the weights that stand are kept, whatever `sides` says.
        """
        if not self.steered:
            return orders.Steered(written=self.written, live_at=workflow.now().timestamp())
        before = self._target_weight
        if self.target is not None:
            self._target_weight = sides.weights.get(self.to.name, 0)
        try:
            steered = await self.do(
                calls.STEER,
                phase,
                sides=sides,
                written=self.written,
                accepted=self.accepted,
                waived_instances=self.policy.waived_instances,
                unproven=self.policy.unproven == "allow",
                probes=self.policy.probes_per_instance,
                seen=seen,
                healthy=healthy,
                mends=self.mends,
                keeps=keeps,
            )
        except ActivityError as error:
            if is_a(Drifted, error):  # then nothing was written
                self._target_weight = before
            raise
        self.written, self.accepted = steered.written, {}
        self.strayed = self.strayed and keeps
        self.journal.say(steered.sentence, **({} if keeps else {"weights": sides.weights}))
        return steered

    async def healthy(self, phase: Phase, side: Backend) -> orders.Gated:
        """Is this side proven healthy now?"""
        return await self.do(
            calls.HEALTH,
            phase,
            side=side,
            gate=self.gate,
            token=self.token(side.name),
            waived_instances=self.policy.waived_instances,
        )

    def shares(self, target_weight: int, *, failover: bool) -> Sides:
        """Both sides known to the gateways, with a probe path to each."""
        if self._expiry is None:
            self._expiry = workflow.now() + PROBE_LIFE
            self._tokens = {side.name: workflow.uuid4().hex for side in (self.from_, self.to)}
        return documents.between(
            self.from_, self.to, target_weight, tokens=self._tokens, expiry=self._expiry, failover=failover
        )

    def token(self, side: str) -> str | None:
        """The side's probe token while its probe path stands."""
        return self._tokens.get(side)

    def forget_target(self) -> None:
        """The target and the probe paths are no more."""
        self.target, self._tokens, self._expiry = None, {}, None

    def forget_probe_paths(self) -> None:
        """No document names a probe path any more."""
        self._tokens, self._expiry = {}, None


def queue_beside(own: str, queue: Queue) -> str:
    """The task queue `queue` of the same service as the queue `own`."""
    return f"{own.rsplit('-', 1)[0]}-{queue}"
