# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from relocate.cli.exits import Exit
from relocate.cli.program import app as command
from tests.api.memory_dispatch import finish
from tests.cli.conftest import listening

TOKEN = "a-token-of-16-letters"  # noqa: S105 - opens nothing but this test's own server
PRESSED_AT_MOST = 5


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The installed command, as a shell would run it."""
    program = [sys.executable, "-m", "relocate", *arguments]
    return subprocess.run(
        program, env={**os.environ, **environment}, capture_output=True, text=True, timeout=20, check=False
    )


def test_exit_codes_of_the_real_command(server, relocate, database):
    """0 for good, 1 for otherwise, 2 for wrong usage, 3 for a refusal, 4 for nobody there; errors go to stderr alone."""
    relocate("start", "assist", "--target", "mec-b")
    codes = {"good": run("status", "r-1", RELOCATE_SERVER=server).returncode}
    finish(database, "r-1", "rolled_back")
    refused = run("status", "r-404", "--server", server)
    codes |= {
        "otherwise": run("status", "r-1", "--server", server).returncode,
        "usage": run("start").returncode,
        "refused": refused.returncode,
        "nobody": run("status", "--server", "http://127.0.0.1:1").returncode,
    }
    assert codes == {"good": 0, "otherwise": 1, "usage": 2, "refused": 3, "nobody": 4}
    assert (refused.stdout, refused.stderr) == ("", "Nothing of that name is known: no relocation is called r-404\n")


def test_help_is_fast_and_tells_the_codes():
    """Help lists the exit codes, and imports neither Temporal nor the web framework nor the database's library."""
    result = run("--help", PYTHONPROFILEIMPORTTIME="1")
    assert result.returncode == 0
    assert "130" in result.stdout
    for slow in ("temporalio", "fastapi", "sqlalchemy", "grpc", "yaml"):
        assert f"| {slow}\n" not in result.stderr.replace("|   ", "| ")


def test_interrupted_watch_exits_with_130(server, relocate):
    """Ctrl-C ends a watch without a traceback; pressed again where nothing happens, as people do.

    Python notices a signal that comes right before a blocking read only with the stream's next word.
    """
    relocate("start", "assist", "--target", "mec-b")
    program = [sys.executable, "-m", "relocate", "watch", "r-1", "--server", server]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert "accepted" in watching.stdout.readline()
        for _ in range(PRESSED_AT_MOST):
            watching.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                _, errors = watching.communicate(timeout=5)
                break
    assert watching.returncode == Exit.INTERRUPTED
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ("ftp://127.0.0.1", "must be like http://127.0.0.1:8070"),
        ("127.0.0.1:8070", "must be like http://127.0.0.1:8070"),
        ("http://127.0.0.1:http", "is no address"),
    ],
)
def test_odd_address_is_wrong_usage(server, told):
    """An address that is none is named."""
    result = CliRunner().invoke(command, ["status", "--server", server])
    assert result.exit_code == 2
    assert told in result.stderr


def test_token_is_sent(make_app):
    """With tokens configured the right one opens, and without one the error says where to give it."""
    guarded = make_app(tokens=[{"name": "me", "token": TOKEN, "scopes": ["read"]}])
    with listening(guarded) as address:
        runner = CliRunner(env={"RELOCATE_SERVER": address})
        assert runner.invoke(command, ["status", "--token", TOKEN]).exit_code == 0
        without = runner.invoke(command, ["status"])
        reader = runner.invoke(command, ["place", "assist", "mec-a", "--token", TOKEN])
    assert without.exit_code == 3
    assert without.stderr.endswith("Give one with --token or RELOCATE_TOKEN.\n")
    assert reader.exit_code == 3
    assert "me lacks the scope write" in reader.stderr


def test_token_must_fit_a_header():
    """A token with odd characters is wrong usage, and is not repeated on the screen."""
    result = CliRunner().invoke(command, ["status", "--token", "schlüssel"])
    assert result.exit_code == 2
    assert "schlüssel" not in result.stderr


class Page(BaseHTTPRequestHandler):
    """Answers every request with a page; a placement after more than a second."""

    def do_GET(self):
        """A page, or for r-502 an error of a proxy."""
        self.send_response(502 if "r-502" in self.path else 200)
        self.send_header("content-length", "6")
        self.end_headers()
        self.wfile.write(b"<html>")

    def do_PUT(self):
        """A page, too late."""
        time.sleep(1.3)
        self.close_connection = True

    def log_message(self, *_):
        """Nobody reads it."""


@pytest.fixture
def stranger() -> Iterator[str]:
    """A server that is not ours."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("identity", "told"),
    [("r-1", "something that is not JSON"), ("r-502", "answered 502 Bad Gateway, without a problem")],
)
def test_stranger_is_told(stranger, identity, told):
    """A server that is not the API is told as such."""
    result = CliRunner().invoke(command, ["status", identity, "--server", stranger])
    assert result.exit_code == 3
    assert told in result.stderr


def test_slow_server_is_not_waited_for(stranger):
    """An answer that takes too long ends in 4, and the text warns that it may still happen."""
    began = time.monotonic()
    result = CliRunner().invoke(command, ["place", "assist", "mec-a", "--timeout", "1", "--server", stranger])
    assert result.exit_code == 4
    assert "may still happen" in result.stderr
    assert time.monotonic() - began < 5
