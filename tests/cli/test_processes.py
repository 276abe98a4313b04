# SPDX-License-Identifier: Apache-2.0
import json
import os
import socket
import subprocess
import sys
import time

import httpx
import pytest
from typer.testing import CliRunner

from relocate.cli.program import app as command


@pytest.mark.parametrize(
    ("name", "environment", "told"),
    [
        ("api", {"RELOCATE_API_PORT": "high"}, "RELOCATE_API_PORT: "),
        ("api", {"RELOCATE_TOKENS": "[{"}, 'error parsing value for field "tokens"'),
        ("api", {"RELOCATE_API_HOST": "0.0.0.0"}, "api_host: 0.0.0.0 can be reached from elsewhere"),
        ("worker", {"RELOCATE_SELECTOR_FALLBACK": "hope"}, "RELOCATE_SELECTOR_FALLBACK: "),
        ("gateway-control", {"RELOCATE_METRICS_PORT": "-1"}, "RELOCATE_METRICS_PORT: "),
    ],
)
def test_bad_settings_start_nothing(monkeypatch, name, environment, told):
    """A setting that makes no sense ends the process at once, named by its variable."""
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    result = CliRunner().invoke(command, [name])
    assert result.exit_code == 2, result.exception
    assert told in result.stderr


def test_control_plane_off_loopback_needs_certificates():
    """The control plane does not listen to the network without mTLS."""
    result = CliRunner().invoke(command, ["gateway-control", "--host", "0.0.0.0"])
    assert result.exit_code == 2
    assert "--host: 0.0.0.0 is not loopback" in result.stderr


def test_agent_off_loopback_needs_a_token(tmp_path):
    """A cluster's agent does not listen to the network without a token."""
    result = CliRunner().invoke(
        command, ["process-cluster", "mec-a", "--state-dir", str(tmp_path), "--host", "0.0.0.0"]
    )
    assert result.exit_code == 2
    assert result.stderr.startswith("host: ")


def test_agent_starts_and_ends(tmp_path):
    """The agent says where it listens, answers there, and ends with 0 on SIGTERM."""
    program = [sys.executable, "-m", "relocate", "process-cluster", "mec-a", "--state-dir", str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as agent:
        told = tmp_path / "agent.json"
        limit = time.monotonic() + 20
        while not told.exists() and time.monotonic() < limit:
            time.sleep(0.02)
        said = json.loads(told.read_text())
        assert said["cluster"] == "mec-a"
        # It is announced before it handles signals; once it answers, it does.
        assert httpx.get(f"{said['url']}/healthz", timeout=10, trust_env=False).is_success
        agent.terminate()
        assert agent.wait(10) == 0


def test_control_plane_ends_on_sigterm(tmp_path):
    """The control plane ends without a traceback on SIGTERM, also before anything is in its database."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = [sys.executable, "-m", "relocate", "gateway-control", "--port", str(port)]
    environment = {**os.environ, "RELOCATE_DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"}
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True, env=environment) as plane:
        limit = time.monotonic() + 20
        while not _listens(port) and time.monotonic() < limit:
            time.sleep(0.05)
        plane.terminate()
        _, errors = plane.communicate(timeout=20)
    assert plane.returncode == 0, errors
    assert "Traceback" not in errors


def _listens(port):
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0
