# SPDX-License-Identifier: Apache-2.0
"""The page docs/reference/metrics.md, made from the collectors themselves."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector
from sqlalchemy import create_engine

from api.metrics import RelocationCollector, RequestFigures, invocations, ue_events
from relocate.metrics.control import ControlCollector
from relocate.metrics.worker import WORKER
from relocate.store.figures import Figures
from relocate.store.tables import METADATA
from steering.envoy.control import ControlPlane
from steering.envoy.settings import ControlSettings
from steering.store.tables import METADATA as ROUTES


class Row(NamedTuple):
    """One metric as it is scraped."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def api_rows() -> list[Row]:
    """What an API says."""
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    ROUTES.create_all(engine)
    registry = CollectorRegistry()
    RequestFigures(registry)
    ue_events(registry)
    invocations(registry, ["migrate_workflowclient"])
    rows = [*_rows(RelocationCollector(Figures(engine)).collect()), *_declared(registry)]
    engine.dispose()
    return rows


def worker_rows() -> list[Row]:
    """What a worker says."""
    return _declared(WORKER)


def control_rows() -> list[Row]:
    """What a control plane says, as if it had read its database."""
    plane = ControlPlane(ControlSettings(), database_url="sqlite://", gateways=dict)
    plane._read_at = 0.0
    rows = list(_rows(ControlCollector(plane).collect()))
    plane._engine.dispose()
    return rows


def metrics_page() -> str:
    """docs/reference/metrics.md."""
    return f"""# Metrics

Made from the collectors; `python -m tests.docs.pages` writes this page anew. Where they listen: `RELOCATE_METRICS_PORT`,
`RELOCATE_WORKER_METRICS_PORT`, `RELOCATE_CONTROL_METRICS_PORT` ([settings](settings.md)); how to scrape them:
[observe](../how-to/observe.md).

No label holds an id, a UE, or anything else that a caller can choose.

## The API

What stands in the database is read at each scrape, so every replica says the same: take `max`. Requests and UE events are
counted by each process: take `sum`.

{_table(api_rows())}

## A worker

Each counts what it does itself: take `sum`.

{_table(worker_rows())}

## A control plane

{_table(control_rows())}

## Every process

`relocate_build_info{{version}}`, and the client library's own `process_...` and `python_...`.

API and workers also say what Temporal's SDK measures, as `temporal_..._total` and `temporal_..._seconds`, described in
[Temporal's reference](https://docs.temporal.io/references/sdk-metrics). In a worker watch
`temporal_workflow_task_schedule_to_start_latency_seconds` and `temporal_activity_schedule_to_start_latency_seconds` (work
that waits for a worker), and `temporal_worker_task_slots_available` by `worker_type`.
"""


def _declared(registry: CollectorRegistry) -> list[Row]:
    """Of instruments, also of those that have counted nothing yet."""
    return [row for one in registry._collector_to_names for row in _of_instrument(one)]


def _of_instrument(instrument: Collector) -> Iterator[Row]:
    for metric in instrument.collect():
        yield _row(metric.name, metric.type, instrument._labelnames, metric.documentation)  # type: ignore[attr-defined]


def _rows(families: Iterable[object]) -> Iterator[Row]:
    for family in families:
        yield _row(family.name, family.type, family._labelnames, family.documentation)  # type: ignore[attr-defined]


def _row(name: str, kind: str, labels: Iterable[str], meaning: str) -> Row:
    return Row(f"{name}_total" if kind == "counter" else name, kind, tuple(labels), meaning)


def _table(rows: Iterable[Row]) -> str:
    lines = [f"| `{row.name}` | {row.kind} | {_shown(row.labels)} | {row.meaning} |" for row in rows]
    return "\n".join(["| metric | type | labels | meaning |", "|---|---|---|---|", *lines])


def _shown(labels: Iterable[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels) or "-"
