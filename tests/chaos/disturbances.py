# SPDX-License-Identifier: Apache-2.0
"""What was broken on the users' way, from when to when: the only excuses that a lost request may have."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.schedule import Deed


@dataclass
class Disturbance:
    """One gateway instance, or one application's instance on one cluster, that could not answer for a while."""

    deed: Deed
    gateway: str | None = None
    application: str | None = None
    cluster: str | None = None
    since_ns: int = field(default_factory=time.time_ns)
    until_ns: int | None = None
    """When it could answer again; None while it cannot."""

    def touches(self, start_ns: int, end_ns: int) -> bool:
        """Whether it could not answer for some of this time."""
        return self.since_ns <= end_ns and (self.until_ns is None or start_ns <= self.until_ns)


class Disturbances:
    """All of a run."""

    def __init__(self) -> None:
        """None yet."""
        self._all: list[Disturbance] = []

    def add(self, disturbance: Disturbance) -> Disturbance:
        """It begins."""
        self._all.append(disturbance)
        return disturbance

    def of_gateways(self) -> Sequence[Disturbance]:
        """Those that concern everybody who uses a gateway instance."""
        return [one for one in self._all if one.gateway is not None]

    def of(self, application: str) -> Sequence[Disturbance]:
        """Those of the application's own instances."""
        return [one for one in self._all if one.application == application]
