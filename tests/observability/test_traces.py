# SPDX-License-Identifier: Apache-2.0
"""One relocation of a real service is one trace, as an OTLP receiver gets it."""

import asyncio
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio
from temporalio.client import Client

from relocate.demo.processes import free_ports
from relocate.model.relocation import Phase, View
from relocate.store.database import Database
from relocate.workflow.relocation import Relocate
from tests.observability.collector import Collector, Span
from tests.observability.scraping import Service
from tests.observability.test_side_listener import answer, running
from tests.workflow.run import replayer

ALWAYS = {"POST /relocate", "StartWorkflow:Relocate", "RunWorkflow:Relocate", "CompleteWorkflow:Relocate"}
LAST = {"CompleteWorkflow:Relocate", "RunActivity:watch"}


@dataclass(frozen=True)
class Traced:
    """One relocation, and its trace."""

    view: View
    trace: str
    caller: str
    """The caller's own span."""
    spans: list[Span]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def traced(service: Service, collector: Collector) -> Traced:
    """A relocation that somebody asks for who traces what he does."""
    trace, caller = secrets.token_hex(16), secrets.token_hex(8)
    view = await service.relocate({"traceparent": f"00-{trace}-{caller}-01"})
    limit = time.monotonic() + 20
    while not {span.name for span in collector.of(trace)} >= LAST:
        assert time.monotonic() < limit, sorted({span.name for span in collector.of(trace)})
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # five times what a process keeps spans back: those that ended before the last have come too
    return Traced(view, trace, caller, collector.of(trace))


async def test_the_trace_of_the_caller_goes_on_through_every_process(traced: Traced) -> None:
    """One root, the caller's own span; every other span's parent is there."""
    known = {span.id for span in traced.spans} | {traced.caller}
    assert [span.name for span in traced.spans if span.parent not in known] == []
    assert [span.name for span in traced.spans if span.parent == traced.caller] == ["POST /relocate"]
    assert {span.service for span in traced.spans} == {"relocate-api", "relocate-worker"}
    assert {span.name for span in traced.spans} >= ALWAYS


async def test_every_phase_has_spans_with_its_name_and_the_relocation(traced: Traced) -> None:
    """Activities say in which phase, for which relocation; what takes time has a length."""
    activities = [span for span in traced.spans if "relocate.phase" in span.attributes]
    assert {span.attributes["relocate.phase"] for span in activities} == set(Phase) - {Phase.TRANSFER}
    assert {span.attributes["relocate.relocation"] for span in activities} == {traced.view.id}
    (watch,) = [span for span in activities if span.name == "RunActivity:watch"]
    assert watch.seconds > 1


async def test_writes_proofs_and_probes_are_seen(traced: Traced) -> None:
    """Each write says what it gave to whom, each proof through which instance, each gate what its checks answered."""
    named = {name: [span for span in traced.spans if span.name == name] for name in ("write", "prove", "ask")}
    given = {weight for span in named["write"] for weight in span.attributes["relocate.weights"].split(", ")}
    assert {f"{side} {weight}" for side in (traced.view.source, traced.view.target) for weight in (0, 100)} <= given
    assert {span.attributes["relocate.gateway_instance"] for span in named["prove"]} == {"edge-1", "edge-2"}
    gate = next(span for span in named["ask"] if span.attributes["relocate.purpose"] == "ready")
    assert {"http direct", "http via edge-1", "http via edge-2", "grpc direct"} <= set(gate.events)


async def test_the_record_names_the_trace(traced: Traced, service: Service) -> None:
    """The event of the acceptance has the trace's id, so that one finds it from the relocation."""
    database = Database.open(service.system.database_url)
    accepted = [event.data for event in database.relocations.events(traced.view.id) if event.kind == "accepted"]
    database.close()
    assert [one.get("trace") for one in accepted] == [traced.trace]


async def test_a_traced_history_is_gone_on_with_by_a_worker_that_does_not_trace(
    traced: Traced, service: Service
) -> None:
    """Tracing adds headers, and no command."""
    client = await Client.connect(f"127.0.0.1:{service.system.ports.temporal}")
    history = await client.get_workflow_handle_for(Relocate.run, traced.view.id).fetch_history()
    await replayer().replay_workflow(history)


async def test_a_request_without_a_trace_begins_one(service: Service, collector: Collector) -> None:
    """Each relocation has a trace of its own."""
    before = {span.trace for span in collector.spans}
    view = await service.relocate()
    limit = time.monotonic() + 20
    while not (mine := {s.trace for s in collector.spans if s.attributes.get("relocate.relocation") == view.id}):
        assert time.monotonic() < limit
        await asyncio.sleep(0.1)
    assert len(mine) == 1
    assert not mine & before


def test_a_process_ends_soon_though_nobody_takes_its_spans(tmp_path: Path) -> None:
    """A collector that is away costs its spans, and nothing else."""
    metrics, front, nobody = free_ports(3)
    environment = {
        "RELOCATE_TRACING": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{nobody}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "RELOCATE_METRICS_PORT": str(metrics),
        "RELOCATE_API_PORT": str(front),
    }
    with running("api", tmp_path, **environment) as api:
        assert answer(metrics, "/livez").is_success
        assert answer(front, "/v1/relocations").is_success
        time.sleep(0.5)
        api.terminate()
        began = time.monotonic()
        assert api.wait(15) == 0
    assert time.monotonic() - began < 8
