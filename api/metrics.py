# SPDX-License-Identifier: Apache-2.0
"""Prometheus metrics, prefix `relocate_`. No label holds an id, a UE or anything else that a caller can choose.

Requests are counted in this process. Relocations are read from the database at each scrape, so every replica tells the
same figures: take `max` over replicas, not `sum`.
"""

import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relocate.model.relocation import Outcome, Phase, Status
from relocate.store.figures import Figures, Finished

BUCKETS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
"""Seconds. A relocation takes seconds where streams are short, and up to an hour where they are long."""

_OVERLAP = timedelta(minutes=5)
"""Ends are looked for again this far back, for processes whose clocks differ; each counts once."""


class RequestFigures:
    """What is counted of requests, on every listener of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Args: registry: where the figures go."""
        labels = ("method", "route", "status")
        self.requests = Counter("relocate_http_requests", "Requests answered.", labels, registry=registry)
        self.seconds = Histogram(
            "relocate_http_request_seconds", "Time to the first byte of the answer.", ("route",), registry=registry
        )


class RequestMeter:
    """Counts requests by route, method and status, and their time to the first byte."""

    def __init__(self, app: ASGIApp, figures: RequestFigures) -> None:
        """Args: app: what is measured; figures: where it is counted."""
        self._app = app
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, measured."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._figures.requests.labels(method, route, message["status"]).inc()
                self._figures.seconds.labels(route).observe(time.perf_counter() - start)
            await send(message)

        await self._app(scope, receive, measured)


def ue_events(registry: CollectorRegistry) -> Counter:
    """UE events by what was decided; each is there from the beginning."""
    counter = Counter(
        "relocate_ue_events",
        "UE events by what was decided: relocating, not_moved, repeated (decided before) or failed (nothing was decided).",
        ("decision",),
        registry=registry,
    )
    for decision in ("relocating", "not_moved", "repeated", "failed"):
        counter.labels(decision)
    return counter


def invocations(registry: CollectorRegistry, clients: Iterable[str]) -> Counter:
    """Workflows that were to be started, by workflow client and what became of it; each of `clients` is there from the beginning."""
    counter = Counter(
        "relocate_workflow_invocations",
        "Workflows that EMCO wanted started, by workflow client (empty: unknown) and what became of it: started, already (a "
        "workflow of that id had been started), refused or unavailable (Temporal could not be asked).",
        ("client", "result"),
        registry=registry,
    )
    for client in clients:
        for result in ("started", "already", "refused", "unavailable"):
            counter.labels(client, result)
    return counter


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class RelocationCollector(Collector):
    """Relocations by status and outcome, and how long they took, as the database has them."""

    def __init__(self, figures: Figures) -> None:
        """Args: figures: where they are read."""
        self._figures = figures
        self._recent: dict[str, datetime] = {}
        self._newest: datetime | None = None
        self._outcomes: Tally[str] = Tally()
        self._buckets: Tally[float] = Tally()
        self._sum = 0.0

    def describe(self) -> list[CounterMetricFamily]:
        """Nothing is read when this collector is registered."""
        return []

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        """What one scrape gets."""
        self._read_ends()
        gauge = GaugeMetricFamily("relocate_relocations_open", "Relocations that have not ended.", labels=["status"])
        counts = self._figures.by_status()
        for status in Status:
            if status is not Status.FINISHED:
                gauge.add_metric([status], counts.get(status, 0))
        yield gauge
        ended = CounterMetricFamily("relocate_relocations", "Relocations that have ended.", labels=["outcome"])
        for outcome in Outcome:
            ended.add_metric([outcome], self._outcomes[outcome])
        yield ended
        yield self._durations()
        yield from self._waiting()

    def _waiting(self) -> Iterator[GaugeMetricFamily]:
        """What somebody may have to look after."""
        now = datetime.now(UTC)
        oldest = GaugeMetricFamily(
            "relocate_phase_oldest_seconds",
            "For how long the relocation that is longest in this phase has been in it; those that wait for people left out.",
            labels=["phase"],
        )
        since = {
            one.phase: one.since for one in sorted(self._figures.running(), key=lambda one: one.since, reverse=True)
        }
        for phase in Phase:
            oldest.add_metric([phase], (now - since.get(phase, now)).total_seconds())
        yield oldest
        unstarted = self._figures.unstarted()
        text = "Relocations that were accepted and are not on record as started."
        yield GaugeMetricFamily("relocate_relocations_unstarted", text, value=unstarted.number)
        text = "For how long the oldest of them has waited."
        waited = (now - (unstarted.oldest or now)).total_seconds()
        yield GaugeMetricFamily("relocate_unstarted_oldest_seconds", text, value=waited)
        leases = GaugeMetricFamily(
            "relocate_leases_held", "Applications that are being changed now.", labels=["holder"]
        )
        for holder, number in self._figures.leases().items():
            leases.add_metric([holder], number)
        yield leases
        rejecting = GaugeMetricFamily(
            "relocate_gateway_rejections_open",
            "Connected gateway instances that refused a route and still stand by that, added up over routes.",
            labels=["gateway"],
        )
        for gateway, number in self._figures.rejecting().items():
            rejecting.add_metric([gateway], number)
        yield rejecting

    def _durations(self) -> HistogramMetricFamily:
        total, rows = 0, []
        for bound in (*BUCKETS, float("inf")):
            total += self._buckets[bound]
            rows.append((f"{bound:g}".replace("inf", "+Inf"), float(total)))
        family = HistogramMetricFamily("relocate_relocation_seconds", "Time from acceptance to the end.")
        family.add_metric([], rows, self._sum)
        return family

    def _read_ends(self) -> None:
        since = self._newest - _OVERLAP if self._newest else None
        for finished in self._figures.finished_since(since):
            if finished.id not in self._recent:
                self._count(finished)
        if self._newest is not None:
            kept = self._newest - 2 * _OVERLAP
            self._recent = {identity: at for identity, at in self._recent.items() if at >= kept}

    def _count(self, finished: Finished) -> None:
        self._recent[finished.id] = finished.at
        self._newest = max(self._newest or finished.at, finished.at)
        self._outcomes[finished.outcome] += 1
        self._sum += finished.seconds
        self._buckets[next((bound for bound in BUCKETS if finished.seconds <= bound), float("inf"))] += 1
