# SPDX-License-Identifier: Apache-2.0
"""How far a search goes: what there is, what may go wrong, and how often."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from relocate.model.application import Application
from tests.modelcheck.world import configuration

TWO_INSTANCES = (("edge", ("edge-1", "edge-2")),)
TWO_GATEWAYS = (("east", ("east-1",)), ("west", ("west-1",)))

KINDS = ("crash", "late", "expiry", "event", "cancel", "hold", "answer")
"""What is bounded: attempts that are lost, attempts that land later, activities given up, things that happen to the
world, cancels, holds, and an operator's answers."""


class Then(NamedTuple):
    """Something that happens, at the first moment that fits."""

    when: str
    """What the run is doing (`Machine.doing`) begins with this."""
    happens: str
    """What the option says begins with this."""


@dataclass(frozen=True)
class Bounds:
    """One configuration with its bounds."""

    name: str
    gateways: tuple[tuple[str, tuple[str, ...]], ...] = TWO_INSTANCES
    clusters: tuple[str, ...] = ("a", "b")
    policy: tuple[tuple[str, Any], ...] = ()
    transfer: bool = False
    mute: bool = False
    """Whether the adapters of all gateways can prove nothing by acknowledgement."""
    runs: int = 1
    """Relocations one after the other, there and back."""
    crash: int = 0
    late: int = 0
    expiry: int = 0
    event: int = 0
    cancel: int = 0
    hold: int = 0
    answer: int = 0
    hangs: frozenset[str] = frozenset({"steer", "deploy", "remove", "activate"})
    """Activities whose attempts may hang at any moment once they have begun; others only before they claim their turn.

    Left out is `transfer`: an application's hook takes no fence, so an attempt that has claimed its turn cannot be shut
    out any more.
    """
    begins: tuple["Then", ...] = ()
    """A story that is told first; it is not counted."""
    events: frozenset[str] | None = field(default=None)
    """Names of the events that may happen; None: all of them."""

    @cached_property
    def application(self) -> Application:
        """What is moved."""
        made = configuration([name for name, _ in self.gateways], **dict(self.policy))
        hooks = {"pre_copy": "/copy", "freeze": "/freeze", "final_sync": "/sync", "resume": "/resume"}
        return Application.model_validate({**made.model_dump(), "transfer": hooks if self.transfer else None})

    @property
    def budget(self) -> list[int]:
        """How often each kind may happen, in the order of `KINDS`."""
        return [getattr(self, kind) for kind in KINDS]
