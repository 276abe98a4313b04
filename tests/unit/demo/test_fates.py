# SPDX-License-Identifier: Apache-2.0
"""Which requests were open at a moment."""

import pytest

from relocate.demo.report.fates import in_flight
from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.record import Outcome, Record
from relocate.demo.traffic.timetable import Timetable

MILLISECOND = 1_000_000
TABLE = Timetable("ue-1.http1.edge-1", "ue-1", Protocol.HTTP1, "edge-1", 0, 10 * MILLISECOND)


def record(due_ms: int, latency_ms: float | None, outcome: Outcome = Outcome.RIGHT) -> Record:
    """One request."""
    return Record(0, due_ms // 10, due_ms * MILLISECOND, latency_ms, outcome, cluster="mec-a", error=None)


@pytest.mark.parametrize(
    ("due_ms", "latency_ms", "open_at_100"),
    [(100, 5.0, True), (90, 20.0, True), (90, 10.0, False), (110, 5.0, False), (10, None, True)],
)
def test_a_request_is_in_flight_from_when_it_is_due_until_it_is_concluded(
    due_ms: int, latency_ms: float | None, open_at_100: bool
) -> None:
    """One that was never concluded is in flight from then on."""
    outcome = Outcome.RIGHT if latency_ms else Outcome.MISSING
    found = in_flight([TABLE], [record(due_ms, latency_ms, outcome)], 100 * MILLISECOND)
    assert bool(found) is open_at_100


def test_what_became_of_it_is_told() -> None:
    """Protocol, gateway instance, end."""
    (fate,) = in_flight([TABLE], [record(100, 5.0)], 100 * MILLISECOND)
    assert (fate.protocol, fate.gateway, fate.outcome, fate.cluster) == ("http1", "edge-1", "right", "mec-a")
