# SPDX-License-Identifier: Apache-2.0
"""The agent of one `process` cluster: a process that owns instances, which are server processes on this machine.

When the agent ends, so does every instance: on SIGTERM each with its grace time, on SIGKILL at once (`tether` and
`watchdog`). A new agent in the same directory first ends whatever a former one may have left.
"""

import asyncio
import fcntl
import ipaddress
import json
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import structlog
import uvicorn
from starlette.applications import Starlette

from relocate.clusters.process import marks, watchdog
from relocate.clusters.process.api import application
from relocate.clusters.process.owner import Owner
from relocate.errors import InvalidRequest, RelocateError
from steering.model import Endpoint

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

PATIENCE = 2.0
"""Seconds in which a former agent's watchdog may end what that agent left; it keeps the directory until then."""

log = structlog.get_logger()


class AgentRunsAlready(RelocateError):
    """Another agent uses this directory."""


def run_agent(name: str, host: str, port: int, state_dir: Path, *, token: str | None = None) -> None:
    """Run the agent of the cluster `name` until SIGTERM or SIGINT. Call it in a process with one thread.

    Args:
        name: the cluster's name; instances get it as RELOCATE_CLUSTER.
        host: address to listen on, for this API and for the instances; a name stands for its first address on this machine.
        port: 0 chooses a free one.
        state_dir: a directory of this agent alone. `agent.json` appears there when it listens: `{"cluster", "url", "pid"}`;
            `logs/` has every instance's output.
        token: bearer token that callers must present.

    Raises:
        InvalidRequest: without a token only loopback is listened on.
        AgentRunsAlready: another agent uses `state_dir`.
        OSError: the port is taken, the name is nobody's, or the directory cannot be written.
    """
    _check_host(host, token)
    (state_dir / "logs").mkdir(parents=True, exist_ok=True)
    with _alone(state_dir):
        mark = _mark(state_dir)
        marks.exterminate(mark, whole=False)
        watchdog.start(mark)
        with _listening(host, port) as listener:
            address, number = listener.getsockname()[:2]
            owner = Owner(name, address, state_dir / "logs", mark)
            app = application(owner, token=token, hosts={*LOOPBACK_NAMES, host, address})
            announced = _announced(state_dir / "agent.json", name, Endpoint(host=address, port=number))
            asyncio.run(_serve(app, listener, announced))


async def _serve(app: Starlette, listener: socket.socket, announced: AbstractContextManager[None]) -> None:
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", lifespan="on", timeout_graceful_shutdown=1
    )
    await _Server(config, announced).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends on a signal as if it had been asked to; uvicorn's own way is to die by that signal in the end.

    It is announced when it can be ended in order, and not before.
    """

    def __init__(self, config: uvicorn.Config, announced: AbstractContextManager[None]) -> None:
        super().__init__(config)
        self._announced = announced

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        with self._announced:
            yield


def _check_host(host: str, token: str | None) -> None:
    if not token and not _is_loopback(host):
        raise InvalidRequest(
            f"host: {host} is not loopback, and without a token anybody could run programs", field="host"
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    with (state_dir / "lock").open("a") as file:
        deadline = time.monotonic() + PATIENCE
        while not _locked(file):
            if time.monotonic() > deadline:
                raise AgentRunsAlready(f"another agent uses {state_dir}; give each its own directory")
            time.sleep(0.05)
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=128) as listener:
        yield listener


@contextmanager
def _announced(file: Path, cluster: str, endpoint: Endpoint) -> Iterator[None]:
    url = f"http://{endpoint}"
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps({"cluster": cluster, "url": url, "pid": os.getpid()}))
    unfinished.rename(file)
    log.info("the agent listens", cluster=cluster, url=url)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        log.info("the agent has ended every instance", cluster=cluster)


def _mark(state_dir: Path) -> str:
    """What marks the instances of every agent that ever runs in this directory."""
    file = state_dir / "mark"
    if not file.exists():
        file.write_text(secrets.token_hex(16))
    return file.read_text()
