# SPDX-License-Identifier: Apache-2.0
"""Real processes die under real traffic: what is lost is what was due meanwhile, and every request is accounted for."""

import time
from collections import Counter

from relocate.demo.report import Drive, Order, build_report, exit_code
from relocate.demo.traffic.record import Outcome, Record, Recording
from tests.traffic.conftest import Scene, TrafficProcess
from tests.traffic.gateway import Program, wait_until

OUTAGE_SECONDS = 0.5
SETTLED_SECONDS = 1.0
MARGIN_NS = 20_000_000
"""Between our clock reading and the kill, or the start, that it belongs to."""
RECONNECTING_NS = 300_000_000
"""After the server serves again, until every client has noticed: gRPC tries each 100 ms, give or take a fifth."""


def outage(program: Program) -> tuple[int, int, int]:
    """Kill it, start it again after the outage: when it was killed, started, and served again, in nanoseconds."""
    killed = time.time_ns()
    program.kill()
    time.sleep(OUTAGE_SECONDS)
    started = time.time_ns()
    program.start()
    wait_until(program.serves, "serving again")
    return killed, started, time.time_ns()


def through(recording: Recording, gateway: str) -> list[Record]:
    """Requests through one gateway instance."""
    return [record for record in recording.records if recording.timetables[record.timetable].gateway == gateway]


def check_conserved(recording: Recording) -> None:
    """Every slot of every timetable up to the end is recorded once, as one outcome."""
    end = next(event.at_ns for event in recording.events if event.event == "end")
    found = Counter((record.timetable, record.slot) for record in recording.records)
    due = {(index, slot) for index, table in enumerate(recording.timetables) for slot in range(table.slots_before(end))}
    assert set(found) == due
    assert set(found.values()) == {1}


def check_losses(records: list[Record], killed: int, started: int, served: int) -> None:
    """Lost is what was due in the outage, or in flight when it began; all else is right once clients could reconnect."""
    for record in records:
        if killed + MARGIN_NS < record.due_ns < started - MARGIN_NS:
            assert record.outcome is Outcome.FAILED, record
        elif record.due_ns < killed:
            in_flight = record.concluded_ns is not None and record.concluded_ns >= killed
            assert record.outcome is Outcome.RIGHT or in_flight, record
        elif record.due_ns > served + RECONNECTING_NS:
            assert record.outcome is Outcome.RIGHT, record
    in_flight_lost = sum(record.outcome is Outcome.FAILED for record in records if record.due_ns < killed)
    assert in_flight_lost <= len({record.timetable for record in records}) * 2


def test_a_killed_gateway_loses_what_was_due_through_it_and_nothing_else(scene: Scene, traffic: TrafficProcess) -> None:
    """Edge-1 is down for half a second: all five protocols lose what was due through it, edge-2 loses nothing."""
    time.sleep(SETTLED_SECONDS)
    killed, started, served = outage(scene.gateways[0])
    time.sleep(SETTLED_SECONDS)
    recording = traffic.finish()
    check_conserved(recording)
    check_losses(through(recording, "edge-1"), killed, started, served)
    assert {record.outcome for record in through(recording, "edge-2")} == {Outcome.RIGHT}


def test_a_killed_application_loses_what_was_due_meanwhile(scene: Scene, traffic: TrafficProcess) -> None:
    """The only instance is down: both gateways answer 503 or cut, and the report says how much and for how long."""
    start = time.time_ns()
    time.sleep(SETTLED_SECONDS)
    killed, started, served = outage(scene.application)
    time.sleep(SETTLED_SECONDS)
    end = time.time_ns()
    recording = traffic.finish()
    check_conserved(recording)
    check_losses(list(recording.records), killed, started, served)
    report = build_report(recording, [Drive(order=Order.OURS, start_ns=start, end_ns=end)])
    assert report.lost >= 160 * OUTAGE_SECONDS * 0.9
    assert report.longest_gap_ms >= OUTAGE_SECONDS * 1000
    assert exit_code(report) == 1
    assert report.cut == 4
