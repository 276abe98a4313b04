# SPDX-License-Identifier: Apache-2.0
"""What a worker does. Activities count here; what the workflow tells comes by the SDK's meter (`relocate.workflow.meter`)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

WORKER = CollectorRegistry()

QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Seconds, for a question or a write; a write is given up after 20 s."""
LONG = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds, for phases: milliseconds where nothing is waited for, an hour where streams are long."""

PHASE_SECONDS = Histogram(
    "relocate_phase_seconds",
    "From a phase's beginning to its end, by how it ended: done or failed.",
    ("phase", "state"),
    buckets=LONG,
    registry=WORKER,
)
UNDO_SECONDS = Histogram(
    "relocate_undo_seconds", "What undoing a phase took.", ("phase",), buckets=LONG, registry=WORKER
)
CUT = Counter(
    "relocate_cut_requests",
    "Requests and streams that were open on the source when they were given up: at least so many.",
    registry=WORKER,
)
RUNG_SECONDS = Histogram(
    "relocate_steering_rung_seconds",
    "From a write until a gateway instance reached a rung of the evidence ladder (E0: what writing took).",
    ("adapter", "rung"),
    buckets=QUICK,
    registry=WORKER,
)
WRITES = Counter(
    "relocate_steering_writes",
    "Writes of a route to a gateway, by what became of them: proven live at every instance, or unproven.",
    ("adapter", "result"),
    registry=WORKER,
)
PROBES = Counter(
    "relocate_probes",
    "Answers of probes. Purpose: ready (the gate), health (a quick look), judge, check (before teardown), proof (of a write).",
    ("kind", "purpose", "answer"),
    registry=WORKER,
)
PROBE_SECONDS = Histogram(
    "relocate_probe_seconds", "What one answer of a probe took.", ("kind",), buckets=QUICK[:-1], registry=WORKER
)
PROBERS = Gauge("relocate_probers_running", "Relocations that are watched by this worker now.", registry=WORKER)
PROBER_REQUESTS = Counter(
    "relocate_prober_requests", "Requests of the prober, by how they ended.", ("result",), registry=WORKER
)
PROBER_UNSENT = Counter(
    "relocate_prober_unsent_requests",
    "Requests that the prober's schedule demanded and that were not sent: holes in what is watched.",
    registry=WORKER,
)
DRAIN_IN_FLIGHT = Gauge(
    "relocate_drain_in_flight_requests",
    "Requests and streams still open on sides that are drained now, as the gateways count them.",
    registry=WORKER,
)
DRAIN_SECONDS = Histogram(
    "relocate_drain_seconds",
    "What draining a side took, by how it ended: drained or given_up.",
    ("result",),
    buckets=LONG,
    registry=WORKER,
)
EVIDENCE = Counter(
    "relocate_evidence_writes",
    "Writes of evidence to the database, by what was written (claims, seconds) and whether it was stored.",
    ("what", "result"),
    registry=WORKER,
)
ERRORS = Counter(
    "relocate_errors",
    "Errors that ended an attempt of an activity, by class: StaleFence and Fenced are late writers refused, Drifted is "
    "somebody else's change.",
    ("error",),
    registry=WORKER,
)

TOLD: Mapping[str, Callable[[Mapping[str, str], float], None]] = {
    "relocate_phase_seconds": lambda labels, value: PHASE_SECONDS.labels(labels["phase"], labels["state"]).observe(
        value
    ),
    "relocate_undo_seconds": lambda labels, value: UNDO_SECONDS.labels(labels["phase"]).observe(value),
    "relocate_cut_requests": lambda _, value: CUT.inc(value),
}
"""By the name under which the workflow tells it."""

for _error in ("StaleFence", "Fenced", "Drifted", "EvidenceNotStored"):
    ERRORS.labels(_error)  # a rate of what has never happened is 0, and not nothing
for _what in ("claims", "seconds"):
    for _result in ("stored", "failed"):
        EVIDENCE.labels(_what, _result)


@contextmanager
def in_flight() -> Iterator[Callable[[int | None], None]]:
    """Show what is left of one drain while the block runs; unknown shows as nothing."""
    shown = 0

    def show(left: int | None) -> None:
        nonlocal shown
        DRAIN_IN_FLIGHT.inc((left or 0) - shown)
        shown = left or 0

    try:
        yield show
    finally:
        show(0)
