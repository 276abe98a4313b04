# SPDX-License-Identifier: Apache-2.0
"""What compose/README.md walks through: up, place, move under traffic and back, look, down."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import docker
import httpx
import pytest

from relocate.demo.certificates import Certificates
from relocate.demo.drive import Traffic
from relocate.demo.system import new_system, stop
from relocate.demo.traffic.record import read_recording
from relocate.model.relocation import Outcome
from tests.compose.images import names
from tests.compose.stack import Stack
from tests.drills.losses import Losses
from tests.drills.move import Move
from tests.drills.scene import FLOWS

APPLICATION = "navigator"
A, B = "mec-a", "mec-b"
CELLS = {A: "cell-a", B: "cell-b"}
JOBS = {"relocate-api": 1, "relocate-worker": 1, "relocate-gateway-control": 1, "temporal": 1, "envoy": 2}


@pytest.fixture
async def traffic(stack: Stack, tmp_path: Path) -> AsyncIterator[Traffic]:
    """Users of the application, through both Envoys."""
    system = new_system(tmp_path)
    authority = tmp_path / "ca.pem"
    authority.write_text(stack.read("api", "/run/secrets/service/ca.pem"))
    system.certificates = Certificates(ca=authority, cert=authority, key=authority)
    users = Traffic(system, APPLICATION, FLOWS)
    users.instances, users.listeners = tuple(stack.listeners), stack.listeners
    yield users
    await stop(system)


async def test_an_application_moves_and_comes_back_with_nothing_lost(stack: Stack, traffic: Traffic) -> None:
    """`POST /relocate` through Compose: five protocols through two Envoys, and every request is answered right."""
    async with stack.client() as client:
        placed = await client.put(f"/v1/applications/{APPLICATION}/placement", json={"cluster": A})
        assert placed.is_success, placed.text
        await traffic.start()
        await traffic.first_number()
        since = time.time_ns()
        for source, target in ((A, B), (B, A)):
            asked = await client.post("/relocate", json=_request(source, target))
            assert asked.is_success, asked.text
            view = await Move(client, asked.json()["id"]).ends(seconds=90)
            assert view.outcome is Outcome.COMPLETED, view.sentence
            where = (await client.get(f"/v1/applications/{APPLICATION}/placement")).json()
            assert target in str(where)
    await traffic.stop()
    losses = Losses(read_recording(traffic.records), (since, time.time_ns()))
    print(losses.in_words())  # noqa: T201 - a figure that people ask for
    losses.none()


async def test_temporals_page_finds_relocations(stack: Stack) -> None:
    """By the application's name, as the server on PostgreSQL keeps it."""
    async with _looking(stack.url("TEMPORAL_UI_PORT")) as page:
        assert "<html" in (await page.get("/")).text
        query = {"query": f'RelocateApplication = "{APPLICATION}"'}
        found = (await page.get("/api/v1/namespaces/default/workflows", params=query)).raise_for_status().json()
    assert len(found["executions"]) >= 2


async def test_prometheus_scrapes_everything_by_our_rules(stack: Stack) -> None:
    """Every target is up, every rule is loaded and can be asked."""
    async with _looking(stack.url("PROMETHEUS_PORT")) as prometheus:
        targets = (await prometheus.get("/api/v1/targets")).raise_for_status().json()["data"]["activeTargets"]
        groups = (await prometheus.get("/api/v1/rules")).raise_for_status().json()["data"]["groups"]
        told = (await prometheus.get("/api/v1/status/buildinfo")).raise_for_status().json()["data"]["version"]
    up = [one["labels"]["job"] for one in targets if one["health"] == "up"]
    assert {job: up.count(job) for job in JOBS} == JOBS, targets
    assert [rule["lastError"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
    assert groups
    assert names()["prometheus"].endswith(f":v{told.partition('+')[0]}")


def test_started_once_more_it_keeps_what_it_has(stack: Stack) -> None:
    """`up` again makes no other secrets, tables or namespaces."""
    token = stack.token
    stack.up()
    assert stack.read("api", "/run/secrets/service/token") == token


def test_nothing_is_left(stack: Stack, engine: docker.DockerClient) -> None:
    """`down --volumes` takes containers, networks and volumes away."""
    stack.down()
    mine = {"label": f"com.docker.compose.project={stack.name}"}
    assert engine.containers.list(all=True, filters=mine) == []
    assert engine.networks.list(filters=mine) == []
    assert engine.volumes.list(filters=mine) == []


def _request(source: str, target: str) -> dict[str, object]:
    return {
        "application": APPLICATION,
        "candidates": [source, target],
        "cell": CELLS[target],
        "reason": "the user moved",
    }


def _looking(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=20, trust_env=False)
