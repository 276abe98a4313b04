# SPDX-License-Identifier: Apache-2.0
"""The side listener of processes that are not, or not yet, able to work."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from relocate.demo.processes import free_ports
from relocate.store.migrate import prepare


@contextmanager
def running(command: str, folder: Path, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """One of our processes, without a Temporal to speak with."""
    url = f"sqlite:///{folder / 'relocate.db'}"
    prepare(url)
    nobody, control = free_ports(2)
    settings = {"RELOCATE_DATABASE_URL": url, "TEMPORAL_ADDRESS": f"127.0.0.1:{nobody}", **environment}
    arguments = ["--port", str(control)] if command == "gateway-control" else []
    argv = [sys.executable, "-m", "relocate", command, *arguments]
    with subprocess.Popen(argv, env={**os.environ, **settings}, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def answer(port: int, path: str) -> httpx.Response:
    """Its answer, once it listens."""
    limit = time.monotonic() + 30
    while True:
        try:
            return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5, trust_env=False)
        except httpx.ConnectError:
            assert time.monotonic() < limit, "it does not listen"
            time.sleep(0.05)


def test_a_worker_that_waits_for_temporal_is_alive_and_not_ready(tmp_path: Path) -> None:
    """It says what it waits for, tells its metrics, and ends at once on SIGTERM."""
    (port,) = free_ports(1)
    with running("worker", tmp_path, RELOCATE_WORKER_METRICS_PORT=str(port)) as worker:
        ready = answer(port, "/readyz")
        assert ready.status_code == 503
        assert ready.json()["reasons"] == ["Temporal has not been reached yet."]
        assert answer(port, "/livez").is_success
        assert "relocate_probers_running 0.0" in answer(port, "/metrics").text
        worker.terminate()
        assert worker.wait(10) != 0


def test_a_control_plane_tells_that_its_database_cannot_be_read(tmp_path: Path) -> None:
    """503, in a sentence; it says so for as long as it is so."""
    (port,) = free_ports(1)
    nowhere = f"sqlite:///{tmp_path}/nowhere/relocate.db"
    with running("gateway-control", tmp_path, RELOCATE_CONTROL_METRICS_PORT=str(port), RELOCATE_DATABASE_URL=nowhere):
        ready = answer(port, "/readyz")
        assert ready.status_code == 503
        assert ready.json()["reasons"] == ["The database was not read within the last seconds; nothing is sent."]


@pytest.mark.parametrize(("command", "setting"), [("worker", "WORKER"), ("gateway-control", "CONTROL")])
def test_an_address_that_is_taken_ends_the_process_in_a_sentence(tmp_path: Path, command: str, setting: str) -> None:
    """Nobody believes that a process is watched which is not."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(command, tmp_path, **{f"RELOCATE_{setting}_METRICS_PORT": str(port)}) as process:
            _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert said.startswith("It cannot start: ")
    assert "Traceback" not in said
