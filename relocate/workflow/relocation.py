# SPDX-License-Identifier: Apache-2.0
"""The runbook of one relocation: deploy on B, prove B ready, switch, bake, drain A, remove A; and the way back."""

import asyncio
from collections.abc import Callable, Sequence

from temporalio import workflow
from temporalio.exceptions import ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from relocate.activities import calls, orders
    from relocate.model.relocation import Actor, Outcome, Phase, Status, StepState, View
    from relocate.phases import documents, teardown
    from relocate.targets.contract import Decision, Ranked
    from relocate.workflow.comparison import Comparison
    from relocate.workflow.desk import Command, CommandOrder, Desk
    from relocate.workflow.journal import Journal, note
    from relocate.workflow.move import Move
    from relocate.workflow.question import ask
    from relocate.workflow.reasons import GoBack, TargetUnfit, sentence_of
    from relocate.workflow.undo import Undo
    from relocate.workflow.way_back import WayBack
    from steering.model import Backend

MOST_TARGETS = 3
"""How many of the ranked targets are tried before the relocation gives up."""


@workflow.defn(name="Relocate")
class Relocate:
    """One move of one application from its source cluster to a target cluster."""

    @workflow.init
    def __init__(self, start: orders.Start) -> None:
        """Args: start: the accepted request with everything it needs."""
        self._journal = Journal(start)
        self._move = Move(start, self._journal)
        self._desk = Desk()
        self._back = WayBack(self._move, self._journal, self._desk)
        self._comparison = Comparison(self._move, self._journal, self._desk)
        self._left: Sequence[tuple[str, str]] = ()
        """Cluster and instance of what abandoned relocations left, and nobody has cleared away."""
        self._past_return = False
        self._switched_at = 0.0
        self._cut: int | None = 0
        self._drained: str | None = "it was not counted"

    @workflow.run
    async def run(self, start: orders.Start) -> orders.Ended:  # noqa: ARG002 - taken by __init__
        """Go forward until done, stopped or cancelled; then, if need be, back."""
        forward = asyncio.create_task(self._forward())
        by_temporal = await self._cancelled_before(lambda: forward.done() or self._cancels())
        concluding = asyncio.create_task(self._conclude(forward))
        while not concluding.done():
            by_temporal = await self._cancelled_before(concluding.done) or by_temporal
        ended = concluding.result()
        await workflow.wait_condition(workflow.all_handlers_finished)
        if by_temporal and ended.outcome == Outcome.CANCELLED:
            raise asyncio.CancelledError(ended.sentence)
        return ended

    # ---- forward ---------------------------------------------------------------------------------------------------

    async def _forward(self) -> orders.Ended:
        decision = await self._select()
        if decision.keep_current:
            return orders.Ended(outcome=Outcome.NOTHING_TO_DO, sentence=decision.sentence)
        if not decision.ranked:
            return orders.Ended(outcome=Outcome.NO_TARGET, sentence=decision.sentence)
        await self._first_that_is_ready(decision.ranked[:MOST_TARGETS])
        await self._comparison.wait_for_baseline()
        await self._transfer()
        await self._switch()
        await self._bake()
        await self._drain()
        return await self._teardown()

    async def _select(self) -> "Decision":
        self._journal.enter(Phase.SELECT, "Looking for the best cluster.")
        found = await self._move.do(calls.SELECT, Phase.SELECT, request=self._move.start.request)
        self._move.source, self._move.written, decision = found.serving, found.written, found.decision
        self._left = found.left
        self._journal.tell(self._move.started())
        self._journal.leave(Phase.SELECT, StepState.DONE, decision.sentence, decision=decision, source=found.source)
        if decision.ranked and found.serving is None:
            raise GoBack(f"nothing is known of the source: {found.sentence}")
        if found.sentence:
            # A cluster that fails is a reason to leave it: its users go wherever is proven.
            self._journal.tell(note(Phase.SELECT, f"It is moved without what its cluster knows: {found.sentence}."))
        return decision

    async def _first_that_is_ready(self, ranked: "Sequence[Ranked]") -> None:
        """Deploy to the best target; when it does not become ready, clear it away and try the next."""
        reasons: list[str] = []
        for choice in ranked:
            try:
                await self._deploy(choice.cluster)
                await self._prepare()
                await self._ready()
            except TargetUnfit as unfit:
                reasons.append(f"{choice.cluster}: {unfit}")
                self._journal.fail(str(unfit))
                await self._back.undo_all(f"{choice.cluster} will not do: {unfit}")
            else:
                return
        raise GoBack("; ".join(reasons))

    async def _deploy(self, cluster: str) -> None:
        await self._may_go_on()
        self._journal.enter(Phase.DEPLOY, f"Deploying to {cluster}.", target=cluster)
        where = self._move.new_instance(cluster)

        async def undo() -> None:
            await self._move.remove(Phase.DEPLOY, where)
            self._move.made = None

        self._move.made = where
        self._back.steps.push(Undo(Phase.DEPLOY, f"Removing the new instance from {cluster}.", undo))
        try:
            await self._move.deploy(**where)
        except Exception as error:
            if is_cancelled_exception(error):
                raise
            raise TargetUnfit(sentence_of(error)) from error
        self._journal.leave(Phase.DEPLOY, StepState.DONE, f"{where['instance']} runs on {cluster}.")

    async def _prepare(self) -> None:
        await self._may_go_on()
        move = self._move
        self._comparison.begin()
        if not move.steered:
            self._journal.skip(Phase.PREPARE, self._unsteered)
            await self._clear_away()
            return
        self._journal.enter(Phase.PREPARE, f"Making {move.to.name} known to every gateway, without traffic.")
        self._back.steps.push(
            Undo(Phase.PREPARE, f"Making the gateways forget {move.to.name}.", self._back.from_gateways)
        )
        # A source that has just died is no reason to leave its users where they are: the gate decides about the target.
        await move.steer(Phase.PREPARE, move.shares(0, failover=False), healthy=False)
        await self._clear_away()
        self._journal.leave(Phase.PREPARE, StepState.DONE, f"Every gateway knows {move.to.name}; it has no traffic.")

    async def _clear_away(self) -> None:
        """What others left behind serves nobody, now that every route names the two sides only."""
        left, self._left = self._left, ()
        for cluster, instance in left:
            try:
                await self._move.remove(Phase.PREPARE, {"cluster": cluster, "instance": instance})
            except Exception as error:
                if is_cancelled_exception(error):
                    raise
                said = f"{instance}, left on {cluster} by an earlier relocation, could not be removed: {sentence_of(error)}"
                self._journal.tell(note(Phase.PREPARE, said))

    async def _ready(self) -> None:
        await self._may_go_on()
        move = self._move
        self._journal.enter(Phase.READY, f"Waiting until {move.to.name} is proven ready.")
        try:
            gated = await move.do(
                calls.GATE,
                Phase.READY,
                side=move.to,
                gate=move.gate,
                token=move.token(move.to.name),
                at_least=move.source.capacity if move.source else None,
                capacity=move.target.capacity if move.target else None,
                waived_instances=move.policy.waived_instances,
            )
        except Exception as error:
            if is_cancelled_exception(error):
                raise
            raise TargetUnfit(sentence_of(error)) from error
        if not gated.ready:
            raise TargetUnfit(gated.sentence)
        self._journal.leave(Phase.READY, StepState.DONE, gated.sentence)

    async def _transfer(self) -> None:
        await self._may_go_on()
        hooks = self._move.start.application.transfer
        if hooks is None:
            self._journal.skip(Phase.TRANSFER, "The application says that it keeps no state.")
            return
        self._journal.enter(Phase.TRANSFER, f"Bringing the state to {self._move.to.name}.")

        async def undo() -> None:
            await self._call_hook(hooks.resume)

        self._back.steps.push(Undo(Phase.TRANSFER, f"Letting {self._move.from_.name} resume.", undo))
        for path in (hooks.pre_copy, hooks.freeze, hooks.final_sync):
            if path is not None:
                await self._call_hook(path)
        self._journal.leave(Phase.TRANSFER, StepState.DONE, f"{self._move.to.name} has the state.")

    async def _call_hook(self, path: str) -> None:
        move, hooks = self._move, self._move.start.application.transfer
        if hooks is None:
            return
        says = {"source": move.from_, "target": move.to, "port": hooks.port, "timeout_seconds": hooks.timeout_seconds}
        await move.do(calls.TRANSFER, Phase.TRANSFER, path=path, **says)

    async def _switch(self) -> None:
        move = self._move
        await self._may_go_on()
        if not move.steered:
            self._switched_at = workflow.now().timestamp()
            self._journal.skip(Phase.SWITCH, self._unsteered)
            return
        self._journal.enter(Phase.SWITCH, f"Switching from {move.from_.name} to {move.to.name}.")
        self._back.steps.push(Undo(Phase.SWITCH, f"Going back to {move.from_.name}.", self._back.to_source))
        for weight in move.policy.steps:
            await self._may_go_on()
            self._journal.say(f"Giving {move.to.name} {weight} % of the requests.")
            steered = await move.steer(Phase.SWITCH, move.shares(weight, failover=True))
            self._switched_at = steered.live_at
            if weight < move.policy.steps[-1]:
                await self._comparison.judge(Phase.SWITCH, move.policy.hold_seconds, since=steered.live_at)
        self._journal.leave(Phase.SWITCH, StepState.DONE, f"Every gateway sends new requests to {move.to.name}.")

    async def _bake(self) -> None:
        move = self._move
        await self._may_go_on()
        if not move.policy.bake_seconds or not move.steered:
            why = "bake_seconds is 0" if move.steered else "there is no route"
            self._journal.skip(Phase.BAKE, f"{why}: {move.to.name} was not watched, and nothing is proven by it.")
            return
        self._journal.enter(Phase.BAKE, f"Watching {move.to.name}; {move.from_.name} stays whole.")
        await self._comparison.judge(Phase.BAKE, move.policy.bake_seconds, since=self._switched_at)
        self._journal.leave(Phase.BAKE, StepState.DONE, self._journal.view.sentence)

    async def _drain(self) -> None:
        move = self._move
        await self._may_go_on()
        source = move.from_.name
        if not move.steered:
            await self._leave_time(source)
            return
        self._journal.enter(Phase.DRAIN, f"Waiting until nobody uses {source}.")
        drained = await move.do(calls.DRAIN, Phase.DRAIN, **move.drains(source))
        self._drained = None if drained.drained else drained.sentence
        if not drained.drained and move.policy.drain.at_deadline == "hold":
            self._journal.tell(left_on_source=drained.left)
            answer = await self._ask(
                Status.HELD,
                f"{drained.sentence} after {move.policy.drain.deadline_seconds:g} s.",
                f"proceed cuts what is left on {source}; cancel goes back",
                Command.PROCEED,
            )
            self._cut = drained.left
            self._journal.tell(note(Phase.DRAIN, f"{answer.actor.who} allowed the cut: {answer.actor.why}"))
        elif not drained.drained:
            self._cut = drained.left
            waived = f"zero in flight on {source}: the policy waives it (force); {drained.sentence}"
            self._journal.tell(note(Phase.DRAIN, waived))
        self._journal.leave(Phase.DRAIN, StepState.DONE, drained.sentence, left_on_source=drained.left, cut=self._cut)

    async def _leave_time(self, source: str) -> None:
        """Nothing counts users, so they get the whole time that a drain may take; that nobody is left is not proven."""
        seconds = self._move.policy.drain.deadline_seconds
        self._journal.enter(Phase.DRAIN, f"Leaving users of {source} {seconds:g} s to go: nothing counts them.")
        await self._journal.keep()  # no order takes along what was told, for all that time
        await asyncio.sleep(seconds)
        self._drained = f"not proven: nothing counts who uses {source}"
        self._cut = None
        waived = f"the policy waives the proof that nobody uses {source} (unproven); {self._drained}"
        self._journal.tell(note(Phase.DRAIN, waived))
        self._journal.leave(Phase.DRAIN, StepState.DONE, f"{self._drained}.", cut=None)

    @property
    def _unsteered(self) -> str:
        name = self._move.start.application.name
        return f"{name} has no routes: nobody steers its users, and where they are is not proven."

    async def _teardown(self) -> orders.Ended:
        move = self._move
        source, target = move.from_, move.to
        await self._may_go_on()
        told = (
            f"Making the gateways forget {source.name}." if move.steered else f"{source.name} is not needed any more."
        )
        self._journal.enter(Phase.TEARDOWN, told)
        move.forget_probe_paths()
        await move.steer(Phase.TEARDOWN, documents.only(target))
        self._journal.say(f"Checking everything once more; removing {source.name} is the point of no return.")
        await self._check()
        await self._may_go_on()
        self._past_return = True
        self._back.steps.forget()
        self._journal.say(f"Removing {source.name}: there is no way back any more.", point_of_no_return=True)
        removed = await self._finish_cleanup(source)
        what = f"{source.name} is gone." if removed else f"{source.instance} was left on {source.name}, as was said."
        self._journal.leave(Phase.TEARDOWN, StepState.DONE, what)
        sentence = f"{move.start.application.name} has moved from {source.name} to {target.name}."
        return orders.Ended(outcome=Outcome.COMPLETED, sentence=sentence if removed else f"{sentence} {what}")

    async def _check(self) -> None:
        move = self._move
        forced = self._drained is not None and move.steered
        verdict = await move.do(
            calls.CHECK,
            Phase.TEARDOWN,
            source=move.from_.name,
            target=move.to,
            written=move.written,
            gate=move.gate,
            waivers=teardown.Waivers(
                force_drain=forced, unproven=move.policy.unproven == "allow", unsteered=not move.steered
            ),
            waived_instances=move.policy.waived_instances,
            drained=self._drained,
            cut=self._cut,
            watched_since=self._comparison.since,
            since=self._switched_at,
            max_error_rate=move.policy.judging.max_error_rate,
            probes=move.policy.probes_per_instance,
        )
        if verdict.why_not is not None:
            raise GoBack(f"{move.from_.name} was not removed: {verdict.why_not}")

    async def _finish_cleanup(self, source: "Backend") -> bool:
        """Remove the source for good: there is only forward now, however often it takes. False: left by command."""
        where = {"cluster": source.name, "instance": source.instance}
        while True:
            try:
                await self._move.remove(Phase.TEARDOWN, where, serves=self._move.to.name)
            except Exception as error:  # noqa: BLE001 - whatever it is, the operator is told and decides
                answer = await self._ask(
                    Status.NEEDS_OPERATOR,
                    f"Users are on {self._move.to.name}, but {source.name} could not be removed: {sentence_of(error)}.",
                    "finish-cleanup tries again; abandon leaves the instance where it is",
                    Command.FINISH_CLEANUP,
                    Command.ABANDON,
                )
                if answer.command is Command.ABANDON:
                    await self._move.do(calls.ACTIVATE, Phase.TEARDOWN, active=self._move.to.name)
                    return False
            else:
                return True

    # ---- end -------------------------------------------------------------------------------------------------------

    async def _conclude(self, forward: "asyncio.Task[orders.Ended]") -> orders.Ended:
        if self._past_return and self._desk.cancelled_by is not None:
            self._journal.tell(note(Phase.TEARDOWN, "A cancel came after the point of no return: too late."))
            await self._journal.keep()
        elif not forward.done():
            forward.cancel()
        try:
            ended = await forward
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - every failure leads back, none away
            ended = await self._back.go(error)
        await self._comparison.end()
        await self._journal.finish(Outcome(ended.outcome), ended.sentence)
        return ended

    # ---- people ----------------------------------------------------------------------------------------------------

    @workflow.signal
    def cancel(self, actor: Actor) -> None:
        """Undo everything, unless the point of no return has been passed."""
        self._desk.cancel(actor)

    @workflow.update
    async def command(self, order: CommandOrder) -> str:
        """Take a command; answers what was understood."""
        understood = self._desk.take(order)
        said = note(self._journal.view.phase, understood, order.samples)
        if self._journal.view.status in (Status.RUNNING, Status.HELD):
            held = self._desk.held_by is not None
            next_step = "proceed goes on; cancel goes back" if held else ""
            self._journal.tell(said, status=Status.HELD if held else Status.RUNNING, next_step=next_step)
        else:
            self._journal.tell(said)
        await self._journal.keep()
        return understood

    @command.validator
    def _check_command(self, order: CommandOrder) -> None:
        reason = self._desk.why_not(order)
        if self._journal.view.status is Status.FINISHED:
            reason = "the relocation has ended"
        elif self._past_return and order.command is Command.HOLD:
            reason = "the point of no return has been passed"
        if reason is not None:
            raise ApplicationError(reason, type="Refused")

    @workflow.query
    def view(self) -> View:
        """The view as the workflow knows it."""
        return self._journal.view

    async def _cancelled_before(self, condition: Callable[[], bool]) -> bool:
        """Wait for a condition; whether Temporal's own cancel came first. It comes once: waiting again is safe."""
        try:
            await workflow.wait_condition(condition)
        except asyncio.CancelledError:
            self._desk.cancel(Actor(who="Temporal", why="the workflow was cancelled"))
            return True
        return False

    def _cancels(self) -> bool:
        return self._desk.cancelled_by is not None and not self._past_return

    async def _may_go_on(self) -> None:
        """The place where a hold holds and a cancel that came in between stops the way forward."""
        if self._desk.held_by is not None:
            self._journal.tell(status=Status.HELD, next_step="proceed goes on; cancel goes back")
            await self._journal.keep()
            await workflow.wait_condition(lambda: self._desk.held_by is None)
            self._journal.tell(status=Status.RUNNING, next_step="")
        if self._desk.cancelled_by is not None:
            raise asyncio.CancelledError

    async def _ask(self, status: Status, sentence: str, next_step: str, *commands: Command) -> CommandOrder:
        return await ask(self._journal, self._desk, status, sentence, next_step, *commands)
