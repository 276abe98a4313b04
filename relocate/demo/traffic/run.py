# SPDX-License-Identifier: Apache-2.0
"""What all flows of one traffic process share."""

from collections.abc import Callable
from dataclasses import dataclass

from relocate.demo.traffic.ledger import Ledger
from relocate.demo.traffic.pace import Stop
from relocate.demo.traffic.plan import TrafficPlan
from relocate.demo.traffic.record import Event
from relocate.demo.traffic.timetable import Clock


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the traffic."""

    plan: TrafficPlan
    clock: Clock
    stop: Stop
    ledger: Ledger
    cells: dict[str, str]
    """The cell of each UE, now."""
    note: Callable[[Event], None]
    """Keeps an event."""
