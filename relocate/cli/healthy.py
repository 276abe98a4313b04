# SPDX-License-Identifier: Apache-2.0
"""`healthy`: what a container engine asks of a process in its own container, where there is neither a shell nor curl."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Annotated, Any

import typer

from relocate.cli.doctor import HEALTH_PORT
from relocate.cli.exits import Ending, Unreachable

ANSWER_SECONDS = 5.0
"""The process itself asks what it depends on for 2 s each, side by side."""

PORTS = ["RELOCATE_WORKER_METRICS_PORT", "RELOCATE_CONTROL_METRICS_PORT", "RELOCATE_METRICS_PORT"]
"""Where the processes themselves are told their ports. A container has one process, and the first that is set."""

OK, UNAVAILABLE = 200, 503


class NotReady(Ending):
    """The process lives and cannot do its work now."""


def healthy(
    *,
    host: Annotated[str, typer.Option(help="Where it listens for such questions.", metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, envvar=PORTS, help="Its port.", metavar="PORT")] = HEALTH_PORT,
) -> None:
    """Ask a process on this machine whether it is ready (`/readyz`). Silence and 0 say yes."""
    try:
        status, body = _ask(host, port)
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(f"{host}:{port} does not answer: {error}") from error
    if status != OK:
        reasons = body.get("reasons") if status == UNAVAILABLE else None
        raise NotReady(" ".join(reasons or [f"{host}:{port} answers {status}"]))


def _ask(host: str, port: int) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if answer.status in (OK, UNAVAILABLE) else {}
    finally:
        connection.close()
