# SPDX-License-Identifier: Apache-2.0
"""Where people's commands arrive: cancel, hold, proceed, and what an operator may say when the run needs one."""

from enum import StrEnum

from relocate.evidence.samples import Commanded
from relocate.model.relocation import Actor
from relocate.model.values import Payload


class Command(StrEnum):
    """What an operator may say."""

    HOLD = "hold"
    PROCEED = "proceed"
    RETRY = "retry"
    SETTLE = "settle"
    FINISH_CLEANUP = "finish-cleanup"
    ABANDON = "abandon"


class CommandOrder(Payload):
    """A command, who gave it, and why."""

    command: Command
    actor: Actor = Actor()
    cluster: str | None = None
    """For `settle`: the side to settle on."""

    @property
    def samples(self) -> Commanded:
        """For the record."""
        return Commanded(command=self.command, who=self.actor.who, why=self.actor.why, cluster=self.cluster)


class Desk:
    """Keeps what was commanded until the runbook comes by. It has no opinion on what follows."""

    def __init__(self) -> None:
        """Nothing has been commanded."""
        self.cancelled_by: Actor | None = None
        self.held_by: Actor | None = None
        self.asks_for: frozenset[Command] = frozenset()
        """Commands that the run waits for now; `hold` and `proceed` are always taken."""
        self._answer: CommandOrder | None = None

    def cancel(self, actor: Actor) -> None:
        """Keep the first wish to cancel."""
        self.cancelled_by = self.cancelled_by or actor

    def why_not(self, order: CommandOrder) -> str | None:
        """Why a command cannot be taken now, or None."""
        if order.command is Command.HOLD:
            return None
        if order.command is Command.PROCEED and (self.held_by is not None or Command.PROCEED in self.asks_for):
            return None
        if order.command not in self.asks_for:
            allowed = ", ".join(sorted({*self.asks_for, Command.HOLD}))
            return f"{order.command} means nothing now; what can be said is: {allowed}"
        if order.command is Command.SETTLE and not order.cluster:
            return "settle needs the cluster to settle on"
        return None

    def take(self, order: CommandOrder) -> str:
        """Keep a command that `why_not` has nothing against; what was understood, in one sentence."""
        by = f" by {order.actor.who}" + (f": {order.actor.why}" if order.actor.why else "")
        match order.command:
            case Command.HOLD:
                self.held_by = order.actor
                return f"held{by}; it will not go forward, and can still go back"
            case Command.PROCEED if self.held_by is not None and Command.PROCEED not in self.asks_for:
                self.held_by = None
                return f"going on{by}"
            case _:
                self._answer = order
                self.held_by = None
                return f"{order.command}{by}"

    @property
    def answered(self) -> bool:
        """Whether the run has an answer to what it asks for."""
        return self._answer is not None

    def ask(self, commands: frozenset[Command]) -> None:
        """Wait for one of these from now on."""
        self.asks_for, self._answer = commands, None

    def answer(self) -> CommandOrder:
        """The answer; the question is over."""
        if self._answer is None:
            raise LookupError("nothing has been answered")
        answer, self._answer, self.asks_for = self._answer, None, frozenset()
        return answer
