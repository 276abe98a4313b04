# SPDX-License-Identifier: Apache-2.0
"""Recordings of traffic, as short as a test needs them."""

from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.record import Event, Outcome, Record, Recording
from relocate.demo.traffic.timetable import Timetable
from tests.chaos.losses import Accounting, Circumstances, Loss

SECOND = 1_000_000_000
PERIOD = SECOND // 10
START = 1_000 * SECOND
LENGTH = 60


def at(seconds: float) -> int:
    """This many seconds into the recording."""
    return START + round(seconds * SECOND)


def recording(
    lost: tuple[float, float],
    *,
    protocol: Protocol = Protocol.HTTP1,
    gateway: str = "edge-1",
    served_by: str = "mec-a",
    error: str = "status 503",
    outcome: Outcome = Outcome.FAILED,
) -> Recording:
    """One minute of one timetable; what was due in `lost` (seconds) failed, or whatever `outcome` says, 0.05 s later."""
    table = Timetable("t", "ue-1", protocol, gateway, START, PERIOD)
    records = []
    for slot in range(LENGTH * 10):
        due = table.due_ns(slot)
        if at(lost[0]) <= due < at(lost[1]):
            records.append(Record(0, slot, due, 50.0, outcome, error=error))
        else:
            records.append(Record(0, slot, due, 5.0, Outcome.RIGHT, "i", served_by, served_by))
    return Recording((table,), tuple(records), (Event("end", at(LENGTH)),))


def losses(recorded: Recording, circumstances: Circumstances) -> list[Loss]:
    """Every loss with its reason."""
    return list(Accounting(recorded, (START, at(LENGTH)), circumstances).losses())
