# SPDX-License-Identifier: Apache-2.0
"""The second listener, metrics, and the sweeper."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from api.app import _lifespan
from api.health import create_health
from relocate.store.database import Database
from relocate.store.tables import METADATA
from tests.api.memory_dispatch import MemoryDispatch, finish


@pytest.fixture
async def health(app: FastAPI, catalogue: Database, dispatch: MemoryDispatch) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who asks the second listener, by any name and without a token."""
    transport = httpx.ASGITransport(create_health(catalogue, dispatch, app.state.registry))
    async with httpx.AsyncClient(transport=transport, base_url="http://10.1.2.3") as client:
        yield client


async def test_ready_when_database_and_engine_answer(health: httpx.AsyncClient) -> None:
    """Alive and ready."""
    assert (await health.get("/livez")).text == "alive\n"
    assert (await health.get("/readyz")).json() == {"ready": True, "reasons": []}


async def test_not_ready_says_why(health: httpx.AsyncClient, dispatch: MemoryDispatch, database: Database) -> None:
    """503 with one sentence for each reason; still alive."""
    dispatch.down = True
    METADATA.drop_all(database.engine)
    answer = await health.get("/readyz")
    assert answer.status_code == 503
    assert [reason.split()[:2] for reason in answer.json()["reasons"]] == [["The", "database"], ["Temporal", "cannot"]]
    assert (await health.get("/livez")).status_code == 200


async def _samples(health: httpx.AsyncClient) -> dict[tuple[str, tuple[str, ...]], float]:
    families = text_string_to_metric_families((await health.get("/metrics")).text)
    return {(one.name, tuple(sorted(one.labels.values()))): one.value for family in families for one in family.samples}


async def test_metrics_count_by_outcome_and_route(
    client: httpx.AsyncClient, health: httpx.AsyncClient, database: Database
) -> None:
    """Ended ones are counted once over several scrapes; routes are templates, so no id becomes a label."""
    for outcome in ("completed", "rolled_back"):
        identity = (await client.post("/relocate", json={"application": "assist"})).json()["id"]
        finish(database, identity, outcome)
        await _samples(health)
    open_one = (await client.post("/relocate", json={"application": "assist"})).json()["id"]
    await client.get(f"/v1/relocations/{open_one}")
    await client.get("/nowhere/at/all")
    samples = await _samples(health)
    assert samples["relocate_relocations_total", ("completed",)] == 1
    assert samples["relocate_relocations_total", ("rolled_back",)] == 1
    assert samples["relocate_relocations_open", ("accepted",)] == 1
    assert samples["relocate_relocation_seconds_count", ()] == 2
    assert samples["relocate_http_requests_total", ("/v1/relocations/{identity}", "200", "GET")] == 1
    assert samples["relocate_http_requests_total", ("404", "GET", "none")] == 1
    text = (await health.get("/metrics")).text
    assert f'"{open_one}"' not in text


async def test_sweeper_starts_what_was_accepted(
    app: FastAPI, client: httpx.AsyncClient, dispatch: MemoryDispatch, database: Database
) -> None:
    """It runs as long as the service, and outlives failures."""
    await client.post("/relocate", json={"application": "assist"})
    async with _lifespan(app):
        await asyncio.wait_for(dispatch.swept.wait(), 5)
    assert database.acceptance.not_started() == []
