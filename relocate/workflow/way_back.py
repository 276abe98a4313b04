# SPDX-License-Identifier: Apache-2.0
"""The way back of one relocation: undo, last step first, to a side that is proven healthy; else an operator decides."""

from collections.abc import Awaitable, Callable
from functools import partial

from temporalio import workflow

from relocate.activities import calls, orders
from relocate.model.relocation import Actor, Outcome, Phase, Status, StepState
from relocate.phases import documents
from relocate.workflow import meter
from relocate.workflow.desk import Command, Desk
from relocate.workflow.journal import Journal, note
from relocate.workflow.move import Move
from relocate.workflow.question import ask
from relocate.workflow.reasons import GoBack, SideUnhealthy, drift_in, is_a, sentence_of
from relocate.workflow.undo import Undo, UndoStack
from steering.errors import UnknownRoute
from steering.model import Backend

Attempt = Callable[[], Awaitable[orders.Ended]]

MOST_MENDED = 3
"""How often routes are written anew that somebody deletes on the way back; then an operator is told."""


class WayBack:
    """Leads back. Until it has succeeded, or somebody has decided, the run stays open and both sides are kept."""

    def __init__(self, move: Move, journal: Journal, desk: Desk) -> None:
        """Args: move: the run's facts; journal: where it is told; desk: where operators answer."""
        self._move = move
        self._journal = journal
        self._desk = desk
        self.steps = UndoStack()
        self._mended = 0

    async def go(self, error: BaseException) -> orders.Ended:
        """Go all the way back; a failure on it is shown to an operator, as often as it takes."""
        outcome, why = self._reason(error)
        self._desk.ask(frozenset())
        self._move.mends = True
        self._journal.tell(note(self._journal.view.phase, f"{why}."))
        self._journal.fail(f"{why}.")
        attempt: Attempt = partial(self._undone, outcome, why)
        while True:
            try:
                return await attempt()
            except Exception as failure:  # noqa: BLE001 - whatever it is, an operator is told and decides
                if not self._mends(failure):
                    attempt = await self._decided(outcome, why, failure)

    async def undo_all(self, why: str) -> None:
        """Undo every step that has been registered."""
        while (undo := self.steps.last) is not None:
            self._journal.tell(status=Status.UNDOING, sentence=f"{undo.sentence} {why}.")
            began = workflow.now()
            await self.steps.undo_last()
            meter.phase_undone(undo.phase, began)
            self._journal.leave(undo.phase, StepState.UNDONE, f"{undo.sentence} {why}.")

    async def to_source(self) -> None:
        """Undo of switch, bake and drain: traffic back to the source, proven as strictly as the way there.

        Raises:
            SideUnhealthy: the source is not proven healthy now; traffic stays where it is.
        """
        move = self._move
        await self._secure(move.from_, f"going back to {move.from_.name}")
        await self._check_source(Phase.SWITCH)
        await move.steer(Phase.SWITCH, move.shares(0, failover=False))
        drained = await move.do(calls.DRAIN, Phase.SWITCH, **move.drains(move.to.name, back=True))
        if not drained.drained:
            cut = note(Phase.SWITCH, f"cut on the way back: {drained.sentence}")
            self._journal.tell(cut, cut=drained.left)

    async def from_gateways(self) -> None:
        """Undo of prepare: the gateways forget the target.

        Raises:
            SideUnhealthy: somebody else moved users to the target, and the source is not proven healthy now.
        """
        if self._move.accepted or self._move.strayed:
            await self._check_source(Phase.PREPARE)
        self._move.forget_probe_paths()
        await self._move.steer(Phase.PREPARE, documents.only(self._move.from_))
        self._move.forget_target()

    async def _check_source(self, phase: Phase) -> None:
        """See that the source is proven healthy now, before users go there."""
        move = self._move
        await move.ensure_probe_paths(phase)
        health = await move.healthy(phase, move.from_)
        if not health.ready:
            other = await move.healthy(phase, move.to)
            healthy = f"{move.to.name} is healthy and keeps the traffic" if other.ready else "neither side is healthy"
            raise SideUnhealthy(f"{move.from_.name} is not proven healthy ({health.sentence}); {healthy}")

    async def _secure(self, side: Backend, what: str) -> None:
        try:
            await self._move.secure(Phase.SWITCH, side)
        except Exception as error:
            why = f"its removal was ordered, and nothing shows that it will not come any more: {sentence_of(error)}"
            raise SideUnhealthy(f"{what} was refused: {why}") from error

    def _mends(self, failure: Exception) -> bool:
        """Whether the way back goes on by itself: what somebody deleted is written anew, and users are where they were."""
        if not is_a(UnknownRoute, failure):
            return False
        self._mended += 1
        self._move.forget_probe_paths()  # whoever asks next writes them again, and the route with them
        self._journal.tell(note(self._journal.view.phase, f"{sentence_of(failure)}: it is written anew."))
        return self._mended <= MOST_MENDED

    def _register_settling(self, stays: Backend) -> None:
        """Settling writes routes too: should it fail half-way, going back undoes what it wrote."""
        move = self._move
        if move.target is not None and not self.steps.has(Phase.PREPARE):
            self.steps.push(Undo(Phase.PREPARE, f"Making the gateways forget {move.to.name}.", self.from_gateways))
        if stays != move.from_ and not self.steps.has(Phase.SWITCH):
            self.steps.push(Undo(Phase.SWITCH, f"Going back to {move.from_.name}.", self.to_source))

    def _reason(self, error: BaseException) -> tuple[Outcome, str]:
        actor = self._desk.cancelled_by
        # What was under way when the cancel came may end in any error, or in none of its own: only a finding is a reason.
        if actor is not None and not isinstance(error, GoBack):
            return Outcome.CANCELLED, f"Cancelled by {actor.who}" + (f": {actor.why}" if actor.why else "")
        return Outcome.ROLLED_BACK, f"Went back because {sentence_of(error)}"

    async def _undone(self, outcome: Outcome, why: str) -> orders.Ended:
        await self.undo_all(why)
        return orders.Ended(outcome=outcome, sentence=f"{why}.")

    async def _decided(self, outcome: Outcome, why: str, failure: Exception) -> Attempt:
        """What an operator wants done next. Who has been shown somebody else's change allows to replace that very one."""
        answer = await ask(
            self._journal,
            self._desk,
            Status.NEEDS_OPERATOR,
            f"{why}, but the way back failed: {sentence_of(failure)}.",
            "retry goes back again; settle on one of the two clusters; abandon leaves everything as it is",
            Command.RETRY,
            Command.FINISH_CLEANUP,
            Command.SETTLE,
            Command.ABANDON,
        )
        if answer.command is Command.ABANDON:
            return partial(self._abandoned, why, answer.actor)
        self._move.accepted = drift_in(failure)
        if answer.command is Command.SETTLE:
            return partial(self._settled, answer.cluster or "", why)
        return partial(self._undone, outcome, why)

    async def _abandoned(self, why: str, actor: Actor) -> orders.Ended:
        return orders.Ended(
            outcome=Outcome.CANCELLED, sentence=f"{why}; abandoned by {actor.who}, and nothing more is done."
        )

    async def _settled(self, cluster: str, why: str) -> orders.Ended:
        """Give everything to one side that is proven healthy now, and remove the other."""
        move = self._move
        stays = next((side for side in move.sides if side.name == cluster), None)
        if stays is None:
            known = " and ".join(side.name for side in move.sides)
            raise GoBack(f"settling on {cluster} was refused: the sides are {known}")
        self._register_settling(stays)
        await self._secure(stays, f"settling on {cluster}")
        await move.ensure_probe_paths(Phase.SWITCH)
        health = await move.healthy(Phase.SWITCH, stays)
        if not health.ready:
            raise SideUnhealthy(f"settling on {cluster} was refused: {health.sentence}")
        move.forget_probe_paths()
        await move.steer(Phase.SWITCH, documents.only(stays))
        if stays == move.from_:
            await self.steps.undo(Phase.TRANSFER)
        for where in move.besides(stays):
            await move.remove(Phase.TEARDOWN, where, serves=stays.name)
        self.steps.forget()
        outcome = Outcome.ROLLED_BACK if stays == move.from_ else Outcome.COMPLETED
        return orders.Ended(outcome=outcome, sentence=f"{why}; settled on {cluster}.")
