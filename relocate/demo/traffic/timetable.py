# SPDX-License-Identifier: Apache-2.0
"""When requests are due. Times are wall-clock nanoseconds that never jump: one anchor, then the monotonic clock."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relocate.demo.traffic.plan import Flow, Protocol, TrafficPlan

NANOSECONDS = 1_000_000_000

Clock = Callable[[], int]
"""Now, in nanoseconds since 1970."""


def anchored_clock() -> Clock:
    """A wall clock that a time adjustment does not move: gaps and latencies stay what they were."""
    offset = time.time_ns() - time.monotonic_ns()
    return lambda: time.monotonic_ns() + offset


@dataclass(frozen=True, slots=True)
class Timetable:
    """One UE's requests in one protocol through one gateway instance: slot k is due at start + k * period."""

    name: str
    ue: str
    protocol: Protocol
    gateway: str
    start_ns: int
    period_ns: int

    def due_ns(self, slot: int) -> int:
        """When this slot is due."""
        return self.start_ns + slot * self.period_ns

    def slots_before(self, moment_ns: int) -> int:
        """How many slots were due before `moment_ns`: they are 0 up to this number, exclusive."""
        return max(0, -((self.start_ns - moment_ns) // self.period_ns))


def timetables(plan: TrafficPlan, start_ns: int) -> Sequence[tuple[Timetable, Flow]]:
    """One timetable for each flow, UE and gateway instance, evenly offset so that requests do not come in bursts."""
    pairs = [(ue, gateway) for ue in plan.ues for gateway in plan.gateways]
    made = []
    for flow in plan.flows:
        period_ns = round(len(pairs) * NANOSECONDS / flow.rate)
        for index, (ue, gateway) in enumerate(pairs):
            offset_ns = round((index + 0.5) * period_ns / len(pairs))
            name = f"{ue.name}.{flow.protocol}.{gateway.name}"
            table = Timetable(name, ue.name, flow.protocol, gateway.name, start_ns + offset_ns, period_ns)
            made.append((table, flow))
    return made
