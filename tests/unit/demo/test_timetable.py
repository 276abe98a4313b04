# SPDX-License-Identifier: Apache-2.0
"""Requests are due by the clock and by nothing else."""

from pathlib import Path

from hypothesis import given, strategies as st

from relocate.demo.traffic.pace import Stop, due_slots
from relocate.demo.traffic.plan import Protocol, TrafficPlan
from relocate.demo.traffic.timetable import Timetable, timetables

MOMENTS = st.integers(min_value=0, max_value=10**6)


def plan(ues: int, gateways: int) -> TrafficPlan:
    """The default flows for so many."""
    return TrafficPlan.model_validate(
        {
            "gateways": [{"name": f"edge-{n}", "port": 1000 + n, "server_name": "x.test"} for n in range(gateways)],
            "ues": [{"name": f"ue-{n}", "cell": "a"} for n in range(ues)],
            "records_file": Path("records.jsonl"),
        }
    )


@given(MOMENTS, st.integers(min_value=1, max_value=1000), MOMENTS)
def test_slots_before_a_moment_are_those_due_before_it(start: int, period: int, moment: int) -> None:
    """The last one counted was due before it, the next one was not."""
    table = Timetable("t", "ue", Protocol.GRPC, "edge", start, period)
    count = table.slots_before(moment)
    assert count == 0 or table.due_ns(count - 1) < moment
    assert table.due_ns(count) >= moment


@given(st.integers(min_value=1, max_value=5), st.integers(min_value=1, max_value=4))
def test_rates_are_divided_over_ues_and_gateways(ues: int, gateways: int) -> None:
    """However many there are, about 160 requests are due each second in all, and never all at once."""
    tables = [table for table, _ in timetables(plan(ues, gateways), 0)]
    assert len(tables) == 5 * ues * gateways
    assert abs(sum(1e9 / table.period_ns for table in tables) - 160) < 0.01
    grpc = sorted(table.start_ns for table in tables if table.protocol is Protocol.GRPC)
    assert len(set(grpc)) == len(grpc)


async def test_late_slots_come_at_once_and_none_is_left_out() -> None:
    """A clock far ahead, as after a stall: every slot due before the stop comes, without waiting."""
    table = Timetable("t", "ue", Protocol.GRPC, "edge", 100, 10)
    stop = Stop(lambda: 155)
    stop.now()
    assert [slot async for slot in due_slots(table, lambda: 1000, stop)] == [0, 1, 2, 3, 4, 5]


async def test_a_second_stop_changes_nothing() -> None:
    """The moment is the first one's."""
    moments = iter([5, 9])
    stop = Stop(lambda: next(moments))
    stop.now()
    stop.now()
    assert stop.at_ns == 5
