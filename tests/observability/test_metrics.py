# SPDX-License-Identifier: Apache-2.0
"""What the processes of a real service say of themselves, after real relocations."""

import asyncio
import re
import subprocess
from collections.abc import Sequence

import pytest
from prometheus_client import Metric

from relocate.model.relocation import Phase
from tests.docs.metrics_page import api_rows, control_rows, worker_rows
from tests.drills.waiting import eventually
from tests.observability.scraping import Service, value

PROCESSES = ("api", "worker", "gateway-control")
DOCUMENTED = {"api": api_rows, "worker": worker_rows, "gateway-control": control_rows}
FIRST_TIMES = 24
"""Series that something adds when it happens for the first time: half of them when EMCO's queues have had no task for a minute."""
IDENTITY = re.compile(r"rel-\d{14}|[0-9a-f]{8}-?[0-9a-f]{4}|[0-9a-f]{16}")


@pytest.mark.parametrize("process", PROCESSES)
async def test_every_process_is_alive_and_ready(service: Service, process: str) -> None:
    """`/livez` and `/readyz` answer 200 while database and Temporal answer."""
    assert (await service.get(process, "/livez")).text == "alive\n"
    assert (await service.get(process, "/readyz")).json() == {"ready": True, "reasons": []}


@pytest.mark.parametrize("process", PROCESSES)
async def test_what_is_scraped_is_what_the_reference_says(service: Service, process: str) -> None:
    """Each metric of the reference page is there, under its labels, and no other of ours."""
    metrics = await service.metrics(process)
    rows = {row.name.removesuffix("_total"): row for row in DOCUMENTED[process]()}
    ours = {metric.name for metric in metrics if metric.name.startswith("relocate_")} - {"relocate_build_info"}
    assert ours == set(rows)
    for metric in metrics:
        if metric.name in rows:
            assert _labels(metric) <= set(rows[metric.name].labels)
    assert value(metrics, "process_resident_memory_bytes") > 0


@pytest.mark.parametrize("process", PROCESSES)
async def test_names_and_units_are_as_prometheus_wants_them(service: Service, process: str, promtool: str) -> None:
    """`promtool check metrics` has nothing to say against ours."""
    said = await asyncio.to_thread(_lint, promtool, await service.scrape(process))
    assert [line for line in said if line.startswith("relocate_")] == []


async def test_a_worker_says_what_its_relocations_did(service: Service) -> None:
    """Phases by how they ended, rungs by adapter, probes by purpose, the prober, the drain, evidence."""
    metrics = await service.metrics("worker")
    for phase in set(Phase) - {Phase.TRANSFER}:
        assert value(metrics, "relocate_phase_seconds_count", phase=phase, state="done") >= 1, phase
    assert value(metrics, "relocate_undo_seconds_count", phase="deploy") >= 1
    for rung in ("E0", "E2", "E3"):
        assert value(metrics, "relocate_steering_rung_seconds_count", adapter="envoy", rung=rung) >= 2, rung
    assert value(metrics, "relocate_steering_writes_total", adapter="envoy", result="proven") >= 3
    for purpose in ("ready", "judge", "check", "proof"):
        assert value(metrics, "relocate_probes_total", kind="http", purpose=purpose, answer="ready") >= 1, purpose
    assert value(metrics, "relocate_prober_requests_total", result="right") >= 10

    async def no_prober_runs() -> bool:
        """It is told to end when the relocation has ended, and hands over its last second first."""
        return value(await service.metrics("worker"), "relocate_probers_running") == 0

    await eventually(no_prober_runs, "without a prober")
    assert value(metrics, "relocate_drain_seconds_count", result="drained") >= 1
    assert value(metrics, "relocate_drain_in_flight_requests") == 0
    assert value(metrics, "relocate_evidence_writes_total", what="claims", result="stored") >= 5
    assert value(metrics, "relocate_evidence_writes_total", result="failed") == 0
    assert value(metrics, "relocate_errors_total", error="StaleFence") == 0


async def test_a_worker_says_what_the_sdk_measures(service: Service) -> None:
    """In the same scrape: tasks, latencies and free slots, in seconds and with `_total`."""
    metrics = await service.metrics("worker")
    assert value(metrics, "temporal_workflow_completed_total", workflow_type="Relocate") >= 2
    assert value(metrics, "temporal_activity_execution_latency_seconds_count", activity_type="steer") >= 3
    assert value(metrics, "temporal_worker_task_slots_available", worker_type="ActivityWorker") > 0
    assert value(await service.metrics("api"), "temporal_request_total", operation="StartWorkflowExecution") >= 2


async def test_the_api_says_what_the_database_knows(service: Service) -> None:
    """Outcomes, what is open, and that nothing waits."""
    metrics = await service.metrics("api")
    assert value(metrics, "relocate_relocations_total", outcome="completed") >= 1
    assert value(metrics, "relocate_relocations_total", outcome="cancelled") >= 1
    assert value(metrics, "relocate_relocations_open") == 0
    assert value(metrics, "relocate_leases_held") == 0
    assert value(metrics, "relocate_phase_oldest_seconds") == 0
    assert value(metrics, "relocate_gateway_rejections_open", gateway="edge") == 0


async def test_a_control_plane_says_who_is_connected(service: Service) -> None:
    """Both declared instances, what was sent to them, and that they refused nothing."""
    metrics = await service.metrics("gateway-control")
    assert value(metrics, "relocate_gateway_instances_declared", gateway="edge") == 2
    assert value(metrics, "relocate_gateway_instances_connected", gateway="edge", declared="yes") == 2
    assert value(metrics, "relocate_xds_responses_total", type="route") >= 2
    assert value(metrics, "relocate_xds_rejections_total") == 0
    assert value(metrics, "relocate_gateway_control_database_age_seconds") < 3


async def test_more_relocations_make_no_more_series(service: Service) -> None:
    """What is told apart is named in our code or configured: no id becomes a label, and nothing grows with the number."""
    await service.relocate()
    await service.relocate()
    before = {process: _series(await service.metrics(process)) for process in PROCESSES}
    for _ in range(4):
        await service.relocate()
    for process in PROCESSES:
        after = _series(await service.metrics(process))
        assert [series for series in after if IDENTITY.search(series)] == []
        # A busy machine gives one or the other its first reason to be counted: an attempt repeated, a request not sent.
        assert len(after - before[process]) <= FIRST_TIMES, sorted(after - before[process])


async def test_figures_are_kept_between_scrapes(service: Service) -> None:
    """What the SDK measured is summed up, not handed out once."""
    first = value(await service.metrics("worker"), "temporal_workflow_completed_total")
    assert first >= 2
    assert value(await service.metrics("worker"), "temporal_workflow_completed_total") == first


def _lint(promtool: str, scraped: str) -> Sequence[str]:
    argv = [promtool, "check", "metrics"]
    found = subprocess.run(argv, input=scraped, capture_output=True, text=True, check=False)
    return (found.stdout + found.stderr).splitlines()


def _labels(metric: Metric) -> set[str]:
    return {name for sample in metric.samples for name in sample.labels} - {"le"}


def _series(metrics: Sequence[Metric]) -> set[str]:
    return {
        f"{sample.name}{sorted(sample.labels.items())}"
        for metric in metrics
        for sample in metric.samples
        if "le" not in sample.labels
    }
