# SPDX-License-Identifier: Apache-2.0
"""Containers of the image as an operator would run them: nothing may be written, nothing may be done as root."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from relocate.demo.processes import free_ports, listens
from relocate.demo.system import new_system, stop
from tests.containers.fixtures import Containers
from tests.containers.postgresql import Server
from tests.drills.waiting import eventually

STRICT: Mapping[str, Any] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "network_mode": "host",
    "detach": True,
}
UP_SECONDS = 120

Run = Callable[..., Container]


@pytest.fixture
def run(docker_client: docker.DockerClient, containers: Containers, images: tuple[Image, Image]) -> Iterator[Run]:
    """Starts a container of the image with these arguments."""
    started: list[Container] = []

    def start(*arguments: str, **environment: str) -> Container:
        container = docker_client.containers.run(
            images[0].id, list(arguments), environment=environment, labels=containers.labels, **STRICT
        )
        started.append(container)
        return container

    yield start
    for container in started:
        container.remove(force=True)


@pytest.fixture
async def temporal(tmp_path: Path) -> AsyncIterator[str]:
    """A real Temporal server; where it is."""
    system = new_system(tmp_path)
    try:
        await system.start_temporal()
        await system.processes.wait_for("temporal", lambda: listens(system.ports.temporal))
        yield f"127.0.0.1:{system.ports.temporal}"
    finally:
        await stop(system)


def test_the_command_speaks(run: Run) -> None:
    """Without a shell, a home, or a user of that number."""
    container = run("--help")
    assert container.wait(timeout=UP_SECONDS)["StatusCode"] == 0
    assert b"gateway-control" in container.logs()


@pytest.mark.skipif(
    shutil.which("go") is None and os.environ.get("REQUIRE_E2E") != "1",
    reason="without Go the image has neither; REQUIRE_E2E=1 makes this a failure",
)
def test_charts_and_kustomizations_can_be_rendered(
    docker_client: docker.DockerClient, containers: Containers, images: tuple[Image, Image]
) -> None:
    """Both programs are there, and need nothing besides."""
    for argv, says in ((["helm", "version", "--short"], b"v3."), (["kustomize", "version"], b"v5.")):
        told = docker_client.containers.run(
            images[0].id, entrypoint=argv, command=[], read_only=True, remove=True, labels=containers.labels
        )
        assert told.startswith(says)


async def test_all_processes_run_from_it(run: Run, temporal: str, postgresql: Server) -> None:
    """API, worker and control plane on a real Temporal and a real PostgreSQL.

    An application is placed through them, as far as a gateway in a worker's memory lets it come: it has no listener.
    """
    api, health, control = free_ports(3)
    with postgresql.database("image") as url:
        told = {
            "RELOCATE_DATABASE_URL": url,
            "TEMPORAL_ADDRESS": temporal,
            "RELOCATE_API_PORT": str(api),
            "RELOCATE_METRICS_PORT": str(health),
        }
        front = run("api", **told)
        await _ready(front, health)
        others = [run("worker", **told), run("gateway-control", "--port", str(control), **told)]
        await eventually(lambda: listens(control), "listening for Envoys", UP_SECONDS)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api}", trust_env=False, timeout=60) as user:
            await _configure(user)
            placed = await user.put("/v1/applications/assist/placement", json={"cluster": "mec-a"})
        assert placed.status_code == httpx.codes.CONFLICT
        assert "port 9: connection refused" in placed.json()["detail"]
        assert [_state(one) for one in (front, *others)] == ["running"] * 3
        assert await asyncio.to_thread(_health, front) == "healthy"
        for one in (front, *others):
            await asyncio.to_thread(one.stop, timeout=20)
            assert one.wait()["StatusCode"] == 0, one.logs()


async def _ready(container: Container, port: int) -> None:
    async def answers() -> bool:
        assert _state(container) == "running", container.logs()
        try:
            async with httpx.AsyncClient(trust_env=False) as user:
                return (await user.get(f"http://127.0.0.1:{port}/readyz")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    await eventually(answers, "ready", UP_SECONDS)


async def _configure(user: httpx.AsyncClient) -> None:
    route = {"name": "web", "hosts": ["assist.test"], "gateways": ["gw"], "ports": [{"name": "http"}]}
    said = {"workloads": {"memory": {}}, "routes": [route], "readiness": {"probes": [{"kind": "memory"}]}}
    for address, body in (
        ("gateways/gw", {"adapter": "memory"}),
        ("clusters/mec-a", {"driver": "memory"}),
        ("applications/assist", said),
    ):
        answer = await user.put(f"/v1/{address}", json={"name": address.partition("/")[2], **body})
        answer.raise_for_status()


def _state(container: Container) -> str:
    container.reload()
    return str(container.status)


def _health(container: Container) -> str:
    """What the engine says of it, once it has asked."""
    deadline = time.monotonic() + UP_SECONDS
    while True:
        container.reload()
        said = str(container.attrs["State"]["Health"]["Status"])
        if said != "starting" or time.monotonic() > deadline:
            return said
        time.sleep(0.2)
