# SPDX-License-Identifier: Apache-2.0
"""The API as a process: two listeners, and an orderly end."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.server import GRACE, KEEP_ALIVE, configure
from relocate.demo.processes import free_ports
from relocate.errors import InvalidRequest
from relocate.model.cluster import Cluster
from relocate.settings import Settings
from relocate.store.database import Database
from tests.api.served import TOKEN
from tests.api.test_intents import BASE
from tests.api.test_invoke import SENT

WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def ports() -> list[int]:
    """Of the API, of health, and of EMCO's routes without a token."""
    return free_ports(3)


@pytest.fixture
def process(catalogue: Database, ports: list[int]) -> Iterator[subprocess.Popen[str]]:
    """The process; it is gone afterwards, whatever the test did."""
    command = [sys.executable, "-m", "tests.api.served", str(catalogue.engine.url), *map(str, ports)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def _get(port: int, path: str) -> httpx.Response:
    until = time.monotonic() + 20
    while True:
        try:
            return httpx.get(f"http://127.0.0.1:{port}{path}", headers=WITH_TOKEN, timeout=5)
        except httpx.ConnectError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_ends_in_order_while_pages_are_open(
    process: subprocess.Popen[str], ports: list[int], number: signal.Signals
) -> None:
    """Both listeners answer; told to end, it closes its streams and is gone in well under its grace time."""
    assert _get(ports[0], "/v1/relocations").json()["items"] == []
    assert _get(ports[1], "/readyz").status_code == 200
    assert _get(ports[1], "/v1/relocations").status_code == 404
    streaming = f"http://127.0.0.1:{ports[0]}/v1/events/stream"
    with httpx.stream("GET", streaming, headers=WITH_TOKEN, timeout=10) as answer:
        chunks = answer.iter_bytes()
        assert b"event: open" in next(chunks)
        start = time.monotonic()
        process.send_signal(number)
        assert list(chunks) == []
    assert process.wait(10) == 0
    assert time.monotonic() - start < GRACE
    assert process.stdout is not None
    assert "ended in order" in process.stdout.read()


def test_emcos_routes_are_open_on_a_port_of_their_own(process: subprocess.Popen[str], ports: list[int]) -> None:
    """Workflowmgr has no token: there it needs none, and nothing else is there; a page does not get in."""
    assert _get(ports[1], "/readyz").status_code == 200
    start = {"workflowStartOptions": {"ID": "x", "TaskQueue": "q"}}
    api, opened = (f"http://127.0.0.1:{port}" for port in (ports[0], ports[2]))
    assert httpx.post(f"{api}/invoke/lcm_workflowclient", json=start).status_code == 401
    assert httpx.post(f"{opened}/invoke/lcm_workflowclient", json=start).status_code == 204
    by_page = httpx.post(f"{opened}/invoke/lcm_workflowclient", json=start, headers={"Origin": opened})
    assert (by_page.status_code, by_page.json()["type"]) == (403, "/problems/wrong-host")
    assert httpx.get(f"{opened}{BASE}").json() == []
    for path in ("/v1/relocations", "/relocate", "/openapi.json", "/", "/metrics"):
        assert httpx.get(f"{opened}{path}").status_code == 404
    counted = _get(ports[1], "/metrics").text
    route = 'relocate_http_requests_total{method="POST",route="/invoke/{client}",status="204"} 1.0'
    assert route in counted


def test_an_idle_connection_is_used_again(process: subprocess.Popen[str], ports: list[int]) -> None:
    """Workflowmgr keeps its connection, and fails when it finds it closed: longer than a server's usual five seconds."""
    assert _get(ports[1], "/readyz").status_code == 200
    head = (
        "POST /invoke/migrate_workflowclient HTTP/1.1\r\nHost: 127.0.0.1:9090\r\nUser-Agent: Go-http-client/1.1\r\n"
        f"Content-Length: {len(SENT)}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", ports[2]), timeout=5) as connection:
        for idle in (0.0, 6.0):
            time.sleep(idle)
            connection.sendall(head.encode() + SENT)
            answer = connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")
            assert answer.endswith(b"\r\n\r\n")
    assert KEEP_ALIVE > 90


async def test_configuration_file_is_kept_or_refused(database: Database, tmp_path: Path) -> None:
    """At the start of the API, as a whole."""
    path = tmp_path / "edge.yaml"
    path.write_text("kind: Cluster\nname: mec-a\ndriver: memory\n")
    settings = Settings(database_url=str(database.engine.url), config=path)
    await configure(settings, database)
    assert [cluster.name for cluster in database.catalogue.list(Cluster)] == ["mec-a"]
    path.write_text("kind: Cluster\nname: mec-b\n")
    with pytest.raises(InvalidRequest, match="document 1: driver: Field required"):
        await configure(settings, database)
