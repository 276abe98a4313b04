# SPDX-License-Identifier: Apache-2.0
"""Why a request was lost: explained by what was broken on its way, or by nothing, which is a violation.

The design's words: while the instance that fails holds no weight, nothing is lost. When one that carries traffic dies,
nothing is lost that is safe to retry, and the rest is bounded by what was in flight. What a gateway process that dies
loses is its own. A fault anywhere else (worker, API, control plane, Temporal, database, people) explains no loss at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from relocate.demo.report.accounts import Window, due_in
from relocate.demo.report.spans import nanoseconds
from relocate.demo.traffic.plan import STREAMS, Protocol
from relocate.demo.traffic.record import Outcome, Record, Recording
from relocate.demo.traffic.timetable import NANOSECONDS
from relocate.model.evidence import Entry
from relocate.model.relocation import Phase
from steering.model import Rung
from tests.chaos.disturbances import Disturbance
from tests.chaos.schedule import Deed

RECOVERY_NS = 2 * NANOSECONDS
"""After a process goes on: connections are made anew, health checks see it, what had waited is answered or times out."""
LAG_NS = 1 * NANOSECONDS
"""Between a write, its claim on record, and the last gateway instance that follows it."""
STREAM_SECONDS = 5.0
"""How long the traffic's streams live."""
CARRIED_NS = round((STREAM_SECONDS + 0.5) * NANOSECONDS)
"""A timetable of a stream that was answered from a side so short ago may still be on it."""
NOTICED_NS = 1 * NANOSECONDS
"""From a kill to the moment when every client and gateway has seen its connections closed, on a busy machine."""
UNHEALTHY_NS = 4 * NANOSECONDS
"""From a freeze to the moment when the gateways' health checks have given the instance up (1 s time-out, twice)."""


class Why(StrEnum):
    """What became of a lost request, in one word."""

    GATEWAY = "its gateway instance was down"
    IN_FLIGHT = "in flight on an instance that failed"
    OUTAGE = "the only side was down"
    MACHINE = "this machine stood still"
    UNEXPLAINED = "nothing explains it"


@dataclass(frozen=True)
class Loss:
    """One request that was not answered right, or one stream that was cut."""

    due_ns: int
    ended_ns: int
    gateway: str
    protocol: Protocol
    outcome: str
    error: str
    why: Why = Why.UNEXPLAINED

    def __str__(self) -> str:
        """For people."""
        return f"{self.protocol} through {self.gateway}, due {self.due_ns / 1e9:.3f}, {self.outcome}: {self.error}"


@dataclass(frozen=True)
class Steering:
    """Where the record says that requests of one application went."""

    written: Sequence[tuple[int, Mapping[str, int]]]
    """Weights, from this moment on (nanoseconds since 1970)."""
    live: Sequence[int] = ()
    """When every gateway instance was known to follow what had been written last."""
    backed: Sequence[Window] = ()
    """When each side was proven to stand behind the other."""

    def carried(self, side: str, start_ns: int, end_ns: int) -> bool:
        """Whether it may have had weight for some of this time.

        While nobody brings a write to the gateways (their control plane is down, say), they follow the one before.
        """
        followed = [self._followed(at, end_ns) for at, _ in self.written[1:]] + [end_ns]
        return any(
            weights.get(side, 0) > 0 and since - LAG_NS <= end_ns and start_ns <= until + LAG_NS
            for (since, weights), until in zip(self.written, followed, strict=True)
        )

    def _followed(self, written_ns: int, end_ns: int) -> int:
        return next((at for at in self.live if at >= written_ns), end_ns)

    def is_backed(self, start_ns: int, end_ns: int) -> bool:
        """Whether all of this time was backed."""
        return any(since <= start_ns and end_ns <= until for since, until in self.backed)


def steering(placed: str, records: Iterable[Sequence[Entry]]) -> Steering:
    """From the place of the first instance and the records of all moves since, in their order."""
    written: list[tuple[int, Mapping[str, int]]] = [(0, {placed: 100})]
    live: list[int] = []
    backed: list[Window] = []
    falls_back, proven_at = False, None
    for entry in (entry for record in records for entry in record):
        at, claim = nanoseconds(entry.at), entry.claim
        if claim.rung == Rung.WRITTEN:
            if proven_at is not None:
                backed.append((proven_at, at - LAG_NS))
            written.append((at, claim.detail["weights"]))
            falls_back, proven_at = claim.detail["document"]["failover"], None
        elif claim.rung == Rung.ACKNOWLEDGED and claim.instance is None and claim.holds:
            live.append(at)
        elif claim.rung == Rung.PROBED and claim.phase is Phase.SWITCH and claim.holds and falls_back:
            proven_at = proven_at or at
    return Steering(written, live, backed)


@dataclass(frozen=True)
class Circumstances:
    """Everything that may explain a loss of one application."""

    gateways: Sequence[Disturbance] = ()
    instances: Sequence[Disturbance] = ()
    steering: Steering = field(default_factory=lambda: Steering([(0, {})]))
    stalls: Sequence[Window] = ()


class Accounting:
    """One application's requests while it was under chaos."""

    def __init__(self, recording: Recording, window: Window, circumstances: Circumstances) -> None:
        """Args: recording: the traffic's own; window: what counts; circumstances: what may explain a loss."""
        self._recording = recording
        self._found = circumstances
        self._window = window
        self.records = due_in(recording, window)

    @property
    def sent(self) -> int:
        """Everything that was due."""
        return len(self.records)

    def losses(self) -> Sequence[Loss]:
        """Everything that was not answered right, each with its reason."""
        lost = [self._loss(record) for record in self.records if record.outcome is not Outcome.RIGHT]
        return [self._explained(one) for one in [*lost, *self._cuts()]]

    def _loss(self, record: Record) -> Loss:
        table = self._recording.timetables[record.timetable]
        ended = record.concluded_ns or record.due_ns
        return Loss(record.due_ns, ended, table.gateway, table.protocol, record.outcome.value, record.error or "")

    def _cuts(self) -> Iterable[Loss]:
        for event in self._recording.events:
            if event.event == "cut" and self._window[0] <= event.at_ns < self._window[1]:
                table = self._recording.timetables[event.timetable or 0]
                yield Loss(event.at_ns, event.at_ns, table.gateway, table.protocol, "cut", event.text)

    def _explained(self, loss: Loss) -> Loss:
        return Loss(**{**vars(loss), "why": self._why(loss)})

    def _why(self, loss: Loss) -> Why:
        end = loss.ended_ns
        if loss.outcome == Outcome.WRONG:
            return Why.UNEXPLAINED  # a failure explains that no answer came, never a false one
        if any(one.gateway == loss.gateway and _near(one, loss) for one in self._found.gateways):
            return Why.GATEWAY
        for one in self._found.instances:
            if _near(one, loss) and self._may_have_carried(one, loss) and not self._backed_up(one, loss):
                stood_behind = self._found.steering.is_backed(one.since_ns, loss.ended_ns)
                return Why.IN_FLIGHT if stood_behind or loss.due_ns <= one.since_ns else Why.OUTAGE
        if "no answer within" in loss.error and any(
            start <= end and loss.due_ns <= until for start, until in self._found.stalls
        ):
            return Why.MACHINE
        return Why.UNEXPLAINED

    def _may_have_carried(self, one: Disturbance, loss: Loss) -> bool:
        side = one.cluster or ""
        stays = loss.protocol in STREAMS and self._answered_from(side, loss)
        return stays or self._found.steering.carried(side, loss.due_ns, loss.ended_ns)

    def _answered_from(self, side: str, loss: Loss) -> bool:
        """Whether the same UE, protocol and gateway instance were answered from this side a moment before."""
        return any(
            record.cluster == side
            for record in self.records
            if loss.due_ns - CARRIED_NS <= record.due_ns <= loss.due_ns and self._same(record, loss)
        )

    def _same(self, record: Record, loss: Loss) -> bool:
        table = self._recording.timetables[record.timetable]
        return table.gateway == loss.gateway and table.protocol is loss.protocol

    def _backed_up(self, one: Disturbance, loss: Loss) -> bool:
        """Whether this request should have been answered by the other side, which was proven and whole."""
        found = self._found
        if not found.steering.is_backed(one.since_ns, loss.ended_ns):
            return False
        if any(other.cluster != one.cluster and _near(other, loss) for other in found.instances):
            return False
        if one.deed is Deed.FREEZE:
            return loss.due_ns > one.since_ns + UNHEALTHY_NS
        return loss.protocol not in STREAMS or loss.due_ns > one.since_ns + NOTICED_NS


def _near(one: Disturbance, loss: Loss) -> bool:
    return one.touches(loss.due_ns - RECOVERY_NS, loss.ended_ns)
