# SPDX-License-Identifier: Apache-2.0
"""The report's shape: `build/demo/report.json`. Its JSON schema is docs/reference/report.schema.json."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from relocate.demo.traffic.plan import Protocol
from relocate.model.relocation import Outcome, Phase, StepState
from relocate.model.values import Model
from steering.model import Rung

Count = int
Milliseconds = float


class Order(StrEnum):
    """How an application was moved during a drive."""

    OURS = "ours"
    """By the service."""
    TODAY = "today"
    """Deploy on B, wait, point the route at B, delete A."""


class Drive(Model):
    """One stretch of time under traffic. A request belongs to the drive in which it was due."""

    order: Order
    start_ns: int
    """Inclusive, in nanoseconds since 1970."""
    end_ns: int
    """Exclusive."""

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.end_ns <= self.start_ns:
            raise ValueError("end_ns: must be later than start_ns")
        return self


class Latency(Model):
    """Latencies of right answers, each from the moment the request was due; null where there were none."""

    samples: Count = 0
    p50: Milliseconds | None = None
    p99: Milliseconds | None = None
    max: Milliseconds | None = None


class LatencyByTime(Model):
    """Latencies of requests that were due before, during and after relocations."""

    before: Latency = Latency()
    during: Latency = Latency()
    after: Latency = Latency()


class Account(Model):
    """What became of the requests that were due: sent = right + wrong + lost, and lost = failed + missing."""

    sent: Count = 0
    """Due by the timetables, whatever became of them."""
    right: Count = 0
    """Answered with the expected status and the request's own id, by an instance of the application."""
    wrong: Count = 0
    """Answered, but not with the answer to this request; status 4xx included."""
    failed: Count = 0
    """Transport error, time-out, status 5xx, gRPC error, or a stream that ended while it owed this message."""
    missing: Count = 0
    """Due, but not sent, or neither answered nor failed when the traffic ended."""
    lost: Count = 0
    """Failed or missing."""
    cut: Count = 0
    """Long-lived streams that broke, or were ended by the other side while they owed a message."""
    longest_gap_ms: Milliseconds = 0.0
    """Longest time without a right answer on one timetable (one UE, protocol and gateway instance), less its period:
    from one right answer to the next; at a drive's ends, from the first and to the last request that was due."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.lost != self.failed + self.missing or self.sent != self.right + self.wrong + self.lost:
            raise ValueError("sent: must be right + wrong + lost, and lost must be failed + missing")
        return self


class ProtocolAccount(Account):
    """One protocol's account."""

    latency_ms: Latency = Latency()


class Claim(Model):
    """One thing that was observed about a gateway or a side."""

    sentence: str
    """What was observed, by whom."""
    basis: Literal["said", "counted", "sampled"]
    """Somebody's word; every request counted by gateways; or samples of the prober (`sentence` says how often)."""
    holds: bool | None = None
    """Whether it proves its rung; null is inconclusive."""
    at: datetime | None = None


class PhaseReport(Model):
    """One phase of one relocation."""

    phase: Phase
    state: StepState
    started_at: datetime | None = None
    finished_at: datetime | None = None
    sentence: str = ""


class Fate(Model):
    """What became of one request, or message of a stream."""

    protocol: Protocol
    gateway: str
    """The gateway instance that it went through."""
    due_ns: int
    """In nanoseconds since 1970."""
    latency_ms: Milliseconds | None
    """From due to concluded; null when it never was."""
    outcome: Literal["right", "wrong", "failed", "missing"]
    cluster: str | None = None
    """Who answered it."""
    error: str | None = None
    """Why it was not answered right."""


class FaultReport(Model):
    """What was let fail during a relocation, and what that meant for users."""

    name: str
    sentence: str
    at_ns: int | None = None
    """When, in nanoseconds since 1970; null for what failed from the start on."""
    in_flight: tuple[Fate, ...] = ()
    """Every request that was open at that moment. Filled from the traffic's records."""


class RelocationReport(Model):
    """One relocation of the drives done by the service."""

    id: str
    source: str | None
    target: str | None
    outcome: Outcome | None
    """Null while it is open, `needs_operator` included."""
    started_at: datetime
    finished_at: datetime | None = None
    sentence: str = ""
    """How it ended and why."""
    switch_ms: dict[str, Milliseconds] = Field(default_factory=dict)
    """By gateway instance: from the write of the weights to the first answer that proves them (E3)."""
    phases: tuple[PhaseReport, ...] = ()
    evidence: dict[Rung, tuple[Claim, ...]] = Field(default_factory=dict)
    """By rung of the evidence ladder, E0 to E5."""
    cut: Count | None = 0
    """Streams and requests that the relocation gave up by `force`: at least so many; null: unknown how many."""
    latency_ms: LatencyByTime = LatencyByTime()
    """Filled from the traffic's records."""
    account: Account = Account()
    """Of the requests that were due during it. Filled from the traffic's records."""
    reasons: dict[str, Count] = Field(default_factory=dict)
    """Why some of these were not answered right. Filled from the traffic's records."""
    fault: FaultReport | None = None
    """What was let fail on purpose, if something was."""


class Report(Account):
    """One demonstration. The account at the top is that of the drives done by the service."""

    format: Literal["relocate-demo-report/1"] = "relocate-demo-report/1"
    verdict: str
    """The sentence that the terminal ends with."""
    passed: bool
    """Whether the service lost nothing and nothing was wrong, among at least one request."""
    lost_share_at_most: float = Field(ge=0, le=1)
    """With 95 % confidence, the share of requests lost in drives like these is below this (Clopper-Pearson: one-sided
    when nothing was lost, otherwise the upper end of the two-sided interval)."""
    per_protocol: dict[Protocol, ProtocolAccount]
    latency_ms: LatencyByTime
    """Over all relocations of these drives."""
    today: Account | None = None
    """The drives done in today's order, under the same traffic; null when there were none."""
    relocations: tuple[RelocationReport, ...] = ()
    drives: tuple[Drive, ...]
    reasons: dict[str, Count] = Field(default_factory=dict)
    """Why requests of the service's drives were not answered right, in the client's words, and how many."""
