# SPDX-License-Identifier: Apache-2.0
"""The operator on call: reads what a relocation asks for, and answers as a sensible person would."""

from dataclasses import dataclass, field

from relocate.model.relocation import Status, View

PATIENCE = 2
"""How often the same thing is tried before something else is."""
GIVE_UP_AFTER = 10
"""Answers to one relocation, after which everything is left as it is."""


@dataclass(frozen=True)
class Answer:
    """One command."""

    command: str
    cluster: str | None = None

    def __str__(self) -> str:
        """For people."""
        return f"{self.command} on {self.cluster}" if self.cluster else self.command


@dataclass(frozen=True)
class Intervention:
    """That somebody was needed, and what they said."""

    relocation: str
    status: str
    sentence: str
    next_step: str
    answer: Answer
    accepted: bool


@dataclass
class OnCall:
    """Answers one relocation."""

    given: list[Answer] = field(default_factory=list)
    """What was answered so far."""

    def answer(self, view: View) -> Answer:
        """What to say to what it asks for now."""
        answer = self._held(view) if view.status is Status.HELD else self._needed(view)
        self.given.append(answer)
        return answer

    def _held(self, view: View) -> Answer:
        if "cuts what is left" in view.next_step:
            return Answer("cancel")  # nothing has to be lost: it can go back
        return Answer("cancel" if self.given else "proceed")  # what one more look does not mend, waiting does not

    def _needed(self, view: View) -> Answer:
        if len(self.given) >= GIVE_UP_AFTER:
            return Answer("abandon")
        if "finish-cleanup tries again" in view.next_step:
            return Answer("finish-cleanup")
        if len(self.given) % (PATIENCE + 2) < PATIENCE:
            return Answer("retry")
        return Answer("settle", self._side(view, healthier=len(self.given) % (PATIENCE + 2) == PATIENCE))

    def _side(self, view: View, *, healthier: bool) -> str | None:
        """Where the traffic is; the other one the next time."""
        bearing = max(view.weights, key=lambda side: view.weights[side], default=view.source)
        other = view.target if bearing == view.source else view.source
        return bearing if healthier or other is None else other
