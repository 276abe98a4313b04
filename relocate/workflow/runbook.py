# SPDX-License-Identifier: Apache-2.0
"""The phases of a relocation, one after the other: what each does, what it tells, and its undo, registered before it is done."""

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from relocate.activities import calls, orders
from relocate.model.relocation import Outcome, Phase, Status, StepState
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


class Runbook:
    """Goes forward, phase by phase. Each may be left by an exception; then the way back undoes what was registered."""

    def __init__(self, move: Move, journal: Journal, desk: Desk, back: WayBack) -> None:
        """Args: move: the run's facts; journal: where it is told; desk: where operators answer; back: takes the undos."""
        self._move = move
        self._journal = journal
        self._desk = desk
        self._back = back
        self.comparison = Comparison(move, journal, desk)
        self.past_return = False
        """The point of no return has been passed."""
        self._left: Sequence[tuple[str, str]] = ()
        """Cluster and instance of what abandoned relocations left, and nobody has cleared away."""
        self._switched_at = 0.0
        self._cut: int | None = 0
        self._drained: str | None = "it was not counted"

    async def select(self) -> Decision:
        """Find the source, and rank the targets."""
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

    async def first_that_is_ready(self, ranked: Sequence[Ranked]) -> None:
        """Deploy to the best target; when it does not become ready, clear it away and try the next."""
        reasons: list[str] = []
        for choice in ranked:
            try:
                await self.deploy(choice.cluster)
                await self.prepare()
                await self.ready()
            except TargetUnfit as unfit:
                reasons.append(f"{choice.cluster}: {unfit}")
                self._journal.fail(str(unfit))
                await self._back.undo_all(f"{choice.cluster} will not do: {unfit}")
            else:
                return
        raise GoBack("; ".join(reasons))

    async def deploy(self, cluster: str) -> None:
        """Have an instance made on a cluster, and wait until it runs. Raises TargetUnfit."""
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

    async def prepare(self) -> None:
        """Let every gateway instance know the target, without weight; from here on users' way is watched."""
        await self._may_go_on()
        move = self._move
        self.comparison.begin()
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

    async def ready(self) -> None:
        """Wait until the target is proven ready. Raises TargetUnfit."""
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

    async def transfer(self) -> None:
        """Have the application bring its state over by its own hooks."""
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

    async def switch(self) -> None:
        """Move the weight to the target, step by step, each proven and judged. Raises GoBack."""
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
                await self.comparison.judge(Phase.SWITCH, move.policy.hold_seconds, since=steered.live_at)
        self._journal.leave(Phase.SWITCH, StepState.DONE, f"Every gateway sends new requests to {move.to.name}.")

    async def bake(self) -> None:
        """Watch the target with the source whole. Raises GoBack."""
        move = self._move
        await self._may_go_on()
        if not move.policy.bake_seconds or not move.steered:
            why = "bake_seconds is 0" if move.steered else "there is no route"
            self._journal.skip(Phase.BAKE, f"{why}: {move.to.name} was not watched, and nothing is proven by it.")
            return
        self._journal.enter(Phase.BAKE, f"Watching {move.to.name}; {move.from_.name} stays whole.")
        await self.comparison.judge(Phase.BAKE, move.policy.bake_seconds, since=self._switched_at)
        self._journal.leave(Phase.BAKE, StepState.DONE, self._journal.view.sentence)

    async def drain(self) -> None:
        """Wait until nobody uses the source."""
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

    async def teardown(self) -> orders.Ended:
        """Check everything once more, and remove the source. Raises GoBack."""
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
        self.past_return = True
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
            watched_since=self.comparison.since,
            since=self._switched_at,
            max_error_rate=move.policy.judging.max_error_rate,
            probes=move.policy.probes_per_instance,
        )
        if verdict.why_not is not None:
            raise GoBack(f"{move.from_.name} was not removed: {verdict.why_not}")

    async def _finish_cleanup(self, source: Backend) -> bool:
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
