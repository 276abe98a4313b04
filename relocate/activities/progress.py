# SPDX-License-Identifier: Apache-2.0
"""How far one write has come at one gateway."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from relocate.activities.ways import Stretch
from relocate.metrics.worker import RUNG_SECONDS
from relocate.phases.proof import Answer
from steering.adapters import kind_of
from steering.model import InstanceAcknowledgement, RouteDocument, Rung, Version


@dataclass
class Progress:
    """How far one write has come at one gateway."""

    stretch: Stretch
    version: Version
    written_at: float
    """Monotonic seconds."""
    document: RouteDocument
    first: bool = False
    """There was no route before."""
    anew: bool = False
    """Somebody had deleted the route."""
    answers: Sequence[InstanceAcknowledgement] = ()
    """What every expected instance said at the last look."""
    acknowledged: dict[str, InstanceAcknowledgement] = field(default_factory=dict)
    expected: Sequence[str] = ()
    asked: dict[str, tuple[int, Sequence[Answer]]] = field(default_factory=dict)
    """How often proving answers were asked for, and the latest ones, by gateway instance."""
    proven: dict[str, float] = field(default_factory=dict)
    """Seconds from the write to the last of its proving answers, by gateway instance."""
    failing: dict[str, str] = field(default_factory=dict)
    """Why what the write leads to fails, by gateway instance through which it was seen all the same."""
    unfit: dict[str, str] = field(default_factory=dict)
    """What spoke against the latest proving answers, by gateway instance."""
    missing: str = "nobody was asked yet"
    failed: int = 0
    """Rounds of proving answers in which this very write was seen and failed."""
    failed_since: float | None = None
    """Monotonic seconds of the first of them."""

    @property
    def unproven(self) -> str:
        """Whose proving answers are missing, and what the latest ones lacked, in words."""
        names = [name for name in self.expected if name not in self.proven]
        return "; ".join(self.unfit.get(name, f"the answers through {name} have not all come yet") for name in names)

    def rounds(self, instance: str) -> int:
        """How often proving answers were asked for through an instance."""
        return self.asked[instance][0] if instance in self.asked else 0

    @property
    def kind(self) -> str:
        """Which kind of adapter writes."""
        return kind_of(type(self.stretch.adapter))

    def measure(self, rung: Rung) -> float:
        """An instance has reached a rung: seconds since the write."""
        taken = time.monotonic() - self.written_at
        RUNG_SECONDS.labels(self.kind, rung).observe(taken)
        return taken

    @property
    def live(self) -> bool:
        """At least one instance, and all of them."""
        return bool(self.expected) and set(self.expected) <= set(self.proven)
