# SPDX-License-Identifier: Apache-2.0
"""The API as a process: two listeners, and an orderly end."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.server import GRACE, configure
from relocate.demo.processes import free_ports
from relocate.errors import InvalidRequest
from relocate.model.cluster import Cluster
from relocate.settings import Settings
from relocate.store.database import Database


@pytest.fixture
def ports() -> list[int]:
    """Of the API and of health."""
    return free_ports(2)


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
            return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5)
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
    with httpx.stream("GET", f"http://127.0.0.1:{ports[0]}/v1/events/stream", timeout=10) as answer:
        chunks = answer.iter_bytes()
        assert b"event: open" in next(chunks)
        start = time.monotonic()
        process.send_signal(number)
        assert list(chunks) == []
    assert process.wait(10) == 0
    assert time.monotonic() - start < GRACE
    assert process.stdout is not None
    assert "ended in order" in process.stdout.read()


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
