# SPDX-License-Identifier: Apache-2.0
"""A load generator's account held against the instances' own logs. Pure.

Whatever was sent was answered by an instance, or is among the failures. One that was reported right and stands in no
log would be an answer that nobody gave; one that stands in a log and was never sent, a request that nobody made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.loads.sent import Sent

SHOWN = 5
"""So many ids are named in a sentence; how many there are is said in any case."""


@dataclass(frozen=True)
class Reconciled:
    """What the two say together."""

    name: str
    sent: int
    bad: int
    """Lost or wrong, as the generator counts."""
    answered_once: int
    answered_again: int
    """By more than one instance, or more than once by one: a gateway sent them again."""
    without_answer: tuple[str, ...]
    """Reported right, and in no instance's log. A generator that does not name its failures: what those do not explain."""
    in_spite: tuple[str, ...]
    """Reported failed, and in an instance's log: the answer was lost on its way."""
    never_sent: tuple[str, ...]
    """In an instance's log, and never sent."""

    @property
    def unexplained(self) -> int:
        """How many requests the two accounts contradict each other about."""
        return len(self.without_answer) + len(self.never_sent)

    def __str__(self) -> str:
        parts = [f"{self.name}: sent {self.sent}, bad {self.bad}, answered once {self.answered_once}"]
        counted = {
            "answered more than once": self.answered_again,
            "failed though answered": _listed(self.in_spite),
            "reported right and in no log": _listed(self.without_answer),
            "in a log and never sent": _listed(self.never_sent),
        }
        return ", ".join(parts + [f"{what} {found}" for what, found in counted.items() if found])


def reconcile(sent: Sent, answers: Mapping[str, Sequence[str]]) -> Reconciled:
    """Hold the account against the logs.

    Args:
        sent: the generator's own account.
        answers: which instances answered a request, by id; only requests of this generator.
    """
    silent = sent.ids - answers.keys() - sent.failed.keys()
    answered = sent.ids & answers.keys()
    again = sum(len(answers[request]) > 1 for request in answered)
    return Reconciled(
        name=sent.name,
        sent=len(sent.ids),
        bad=sent.bad,
        answered_once=len(answered) - again,
        answered_again=again,
        # Failures without a name explain as many silent requests, whichever they are.
        without_answer=tuple(sorted(silent))[len(sent.unnamed) :],
        in_spite=tuple(sorted(answered & sent.failed.keys())) + ("?",) * max(0, len(sent.unnamed) - len(silent)),
        never_sent=tuple(sorted(answers.keys() - sent.ids)),
    )


def _listed(ids: Sequence[str]) -> str:
    if not ids:
        return ""
    more = ", ..." if len(ids) > SHOWN else ""
    return f"{len(ids)} ({', '.join(ids[:SHOWN])}{more})"
