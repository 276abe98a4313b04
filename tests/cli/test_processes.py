# SPDX-License-Identifier: Apache-2.0
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from relocate.cli.program import app as command
from relocate.settings import Settings


@pytest.mark.parametrize(
    ("name", "environment", "told"),
    [
        ("api", {"RELOCATE_API_PORT": "high"}, "RELOCATE_API_PORT: "),
        ("api", {"RELOCATE_TOKENS": "[{"}, 'error parsing value for field "tokens"'),
        ("api", {"RELOCATE_TOKENS_FILE": "/dev/null"}, "RELOCATE_TOKENS_FILE: cannot be read as JSON"),
        ("api", {"RELOCATE_TOKENS_FILE": "/nowhere"}, "RELOCATE_TOKENS_FILE: cannot be read as JSON"),
        ("api", {"RELOCATE_API_HOST": "0.0.0.0"}, "api_host: 0.0.0.0 can be reached from elsewhere"),
        ("worker", {"RELOCATE_SELECTOR_FALLBACK": "hope"}, "RELOCATE_SELECTOR_FALLBACK: "),
        ("gateway-control", {"RELOCATE_METRICS_PORT": "-1"}, "RELOCATE_METRICS_PORT: "),
        ("worker", {"RELOCATE_DATABASE_URL": "db.internal"}, "RELOCATE_DATABASE_URL: must be an SQLAlchemy URL"),
        (
            "worker",
            {"RELOCATE_DATABASE_URL": "mysql://db"},
            "RELOCATE_DATABASE_URL: begins with mysql://; known: sqlite://",
        ),
    ],
)
def test_bad_settings_start_nothing(monkeypatch, name, environment, told):
    """A setting that makes no sense ends the process at once, named by its variable."""
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    result = CliRunner().invoke(command, [name])
    assert result.exit_code == 2, result.exception
    assert told in result.stderr


def test_a_database_is_brought_up_to_date(monkeypatch, tmp_path):
    """`migrate` makes the schema and ends; once more changes nothing."""
    monkeypatch.setenv("RELOCATE_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    for _ in range(2):
        assert CliRunner().invoke(command, ["migrate"]).exit_code == 0
    with sqlite3.connect(tmp_path / "new.db") as opened:
        assert opened.execute("SELECT count(*) FROM relocations").fetchone() == (0,)


def test_a_database_that_is_not_there_is_told_in_a_sentence(monkeypatch, tmp_path):
    """`migrate` ends with 4 where the database cannot be asked, so that whoever started it tries again."""
    monkeypatch.setenv("RELOCATE_DATABASE_URL", f"sqlite:///{tmp_path}/no/folder.db")
    result = CliRunner().invoke(command, ["migrate"])
    assert result.exit_code == 4, result.exception
    assert result.stderr.startswith("The database cannot be brought up to date: ")


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


def test_tokens_may_stand_in_a_file(monkeypatch, tmp_path):
    """What the environment would have to hold is read from there; what is wrong in it is named without being shown."""
    file = tmp_path / "tokens.json"
    monkeypatch.setenv("RELOCATE_TOKENS_FILE", str(file))
    file.write_text(json.dumps([{"name": "engine", "token": "a-long-enough-secret", "scopes": ["write"]}]))
    assert [one.name for one in Settings().tokens] == ["engine"]
    file.write_text(json.dumps([{"name": "engine", "token": "hush"}]))
    result = CliRunner().invoke(command, ["api"])
    assert result.exit_code == 2
    assert "RELOCATE_TOKENS__0__TOKEN" in result.stderr
    assert "hush" not in result.stderr


def test_agent_listens_by_name_with_a_token_from_a_file(tmp_path):
    """Where it is reached is said by address, and it answers to its name."""
    name, token = socket.gethostname(), tmp_path / "token"
    try:
        socket.getaddrinfo(name, None)
    except socket.gaierror as error:
        pytest.skip(f"this machine does not know itself as {name}: {error}")
    token.write_text("secret\n")
    options = ["--state-dir", str(tmp_path / "agent"), "--host", name, "--token-file", str(token)]
    with subprocess.Popen([sys.executable, "-m", "relocate", "process-cluster", "mec-a", *options]) as agent:
        url = json.loads(awaited(tmp_path / "agent" / "agent.json"))["url"]
        named = httpx.URL(url).copy_with(host=name)
        for address in (httpx.URL(url), named):
            answer = httpx.get(address.join("/instances"), headers={"authorization": "Bearer secret"}, trust_env=False)
            assert answer.json() == []
        agent.terminate()
        assert agent.wait(10) == 0


def test_agent_starts_and_ends(tmp_path):
    """The agent says where it listens, answers there, and ends with 0 on SIGTERM."""
    program = [sys.executable, "-m", "relocate", "process-cluster", "mec-a", "--state-dir", str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as agent:
        said = json.loads(awaited(tmp_path / "agent.json"))
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


def awaited(file: Path) -> str:
    """What is in a file that a process is about to write."""
    limit = time.monotonic() + 20
    while not file.exists() and time.monotonic() < limit:
        time.sleep(0.02)
    return file.read_text()
