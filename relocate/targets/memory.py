# SPDX-License-Identifier: Apache-2.0
"""A scripted selector, for tests: it gives the answers it was told to give, and remembers what it was asked."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from relocate.checking import checked
from relocate.model.values import Model
from relocate.targets.contract import Decision, Ranked, Rejection, SelectionRequest, TargetSelector
from relocate.targets.errors import SelectorUnreachable


class MemorySettings(Model):
    """Settings of the scripted selector."""

    fault: Literal["none", "unreachable", "nonsense"] = "none"
    """What goes wrong, each time: nobody answers, or a cluster is chosen that was never offered."""


class MemorySelector(TargetSelector):
    """Answers from a script; then with every candidate but the source and the cordoned, by name."""

    def __init__(self, script: Sequence[Decision | Exception] = (), *, fault: str = "none") -> None:
        """Args: script: answers in their order, an exception is raised; fault: as in `MemorySettings`."""
        self._script = list(script)
        self._fault = fault
        self.asked: list[SelectionRequest] = []

    @classmethod
    def open(cls, settings: Mapping[str, Any]) -> Self:
        """Make the selector; raises InvalidRequest."""
        return cls(fault=checked(MemorySettings, settings, at="selector_settings").fault)

    async def rank(self, request: SelectionRequest) -> Decision:
        """The next answer of the script."""
        self.asked.append(request)
        if self._fault == "unreachable":
            raise SelectorUnreachable("the scripted selector is told to be unreachable")
        if self._fault == "nonsense":
            return Decision(selector="memory", ranked=(Ranked(cluster="never-offered", score=100.0),))
        answer = self._script.pop(0) if self._script else _by_name(request)
        if isinstance(answer, Exception):
            raise answer
        return answer


def _by_name(request: SelectionRequest) -> Decision:
    unfit = {found.cluster for found in request.candidates if found.cordoned or found.cluster == request.source}
    names = sorted(found.cluster for found in request.candidates)
    return Decision(
        selector="memory",
        ranked=tuple(Ranked(cluster=name, score=0.0) for name in names if name not in unfit),
        rejected=tuple(Rejection(cluster=name, reasons=("left out by the script",)) for name in names if name in unfit),
        sentence="Ranked by name.",
    )
