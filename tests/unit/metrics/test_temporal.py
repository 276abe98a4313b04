# SPDX-License-Identifier: Apache-2.0
"""What the SDK measures, as Prometheus gets it: by the SDK's own meter."""

from collections.abc import Iterable

import pytest
from prometheus_client import Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from temporalio.common import MetricMeter
from temporalio.runtime import Runtime, TelemetryConfig

from relocate.metrics.temporal import TemporalMetrics
from relocate.metrics.worker import CUT, PHASE_SECONDS, UNDO_SECONDS


@pytest.fixture(scope="module")
def metrics() -> TemporalMetrics:
    """Fed by a runtime of its own."""
    return TemporalMetrics()


@pytest.fixture(scope="module")
def meter(metrics: TemporalMetrics) -> MetricMeter:
    """What the SDK, and workflows, measure with."""
    return Runtime(telemetry=TelemetryConfig(metrics=metrics.buffer, attach_service_name=False)).metric_meter


def scraped(metrics: TemporalMetrics) -> dict[str, float]:
    """Every sample of a scrape, by its name and labels."""
    return _samples(text_string_to_metric_families(generate_latest(metrics).decode()))


def _samples(families: Iterable[Metric]) -> dict[str, float]:
    return {f"{one.name}{one.labels or ''}": one.value for family in families for one in family.samples}


def test_counters_add_up_over_scrapes(metrics: TemporalMetrics, meter: MetricMeter) -> None:
    """Each scrape has the sum since the process began, under `_total`; labels keep apart."""
    requests = meter.create_counter("requests")
    requests.add(2, {"operation": "a"})
    assert scraped(metrics)["requests_total{'operation': 'a'}"] == 2
    requests.add(3, {"operation": "a"})
    requests.add(1, {"operation": "b", "eager": True})
    found = scraped(metrics)
    assert found["requests_total{'operation': 'a'}"] == 5
    assert found["requests_total{'eager': 'true', 'operation': 'b'}"] == 1


def test_a_counter_that_is_called_total_is_so_once(metrics: TemporalMetrics, meter: MetricMeter) -> None:
    """As `temporal_local_activity_total`."""
    meter.create_counter("activity_total").add(1)
    assert scraped(metrics)["activity_total"] == 1


def test_of_a_gauge_the_last_value_counts(metrics: TemporalMetrics, meter: MetricMeter) -> None:
    """It rises and falls."""
    slots = meter.create_gauge("slots")
    slots.set(5)
    slots.set(3)
    assert scraped(metrics)["slots"] == 3


def test_times_are_histograms_in_seconds(metrics: TemporalMetrics, meter: MetricMeter) -> None:
    """Cumulative buckets, count and sum, with the unit in the name."""
    latency = meter.create_histogram_float("latency", unit="s")
    for seconds in (0.005, 0.02, 0.02, 7000.0):
        latency.record(seconds)
    found = scraped(metrics)
    assert found["latency_seconds_bucket{'le': '0.005'}"] == 1
    assert found["latency_seconds_bucket{'le': '0.025'}"] == 3
    assert found["latency_seconds_bucket{'le': '3600.0'}"] == 3
    assert found["latency_seconds_bucket{'le': '+Inf'}"] == found["latency_seconds_count"] == 4
    assert found["latency_seconds_sum"] == pytest.approx(7000.045)


def test_what_workflows_tell_is_the_workers(metrics: TemporalMetrics, meter: MetricMeter) -> None:
    """Under the worker's own names and labels, without those that the SDK adds."""
    workflow = meter.with_additional_attributes({"namespace": "default", "workflow_type": "Relocate"})
    before = CUT._value.get()
    workflow.create_counter("relocate_cut_requests").add(7)
    labels = {"phase": "bake", "state": "failed"}
    workflow.create_histogram_float("relocate_phase_seconds", unit="s").record(4.0, labels)
    workflow.create_histogram_float("relocate_undo_seconds", unit="s").record(2.0, {"phase": "bake"})
    assert not [name for name in scraped(metrics) if name.startswith("relocate_")]
    assert CUT._value.get() == before + 7
    assert PHASE_SECONDS.labels("bake", "failed")._sum.get() == 4
    assert UNDO_SECONDS.labels("bake")._sum.get() == 2
