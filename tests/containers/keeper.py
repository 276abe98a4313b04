# SPDX-License-Identifier: Apache-2.0
"""The process to which a test run's containers belong: `python -m tests.containers.keeper RUN-PID FILE`.

It finds a Docker engine, or starts one, and writes to FILE how that is reached. When the test run has ended, in whatever way,
it removes every container of that run, and its own engine with everything in it. Killed itself, it leaves the rest to
the next one.
"""

import json
import os
import select
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import docker

from tests.containers.engine import answers, claim
from tests.containers.needs import missing

LABEL = "edge-relocation.tests"
"""On each container: the process id of the keeper that it belongs to."""


class NoEngineError(RuntimeError):
    """This machine has no engine and cannot start one; the text says what is missing."""


def main(run: int, file: Path) -> None:
    """Keep containers for the process `run`."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit())
    try:
        with _engine() as (host, is_own):
            _tell(file, {"host": host, "own": is_own, "keeper": os.getpid()})
            _await_end(run)
            shutil.rmtree(file.parent)
    except NoEngineError as error:
        _tell(file, {"missing": str(error)})
    except Exception:
        _tell(file, {"failed": traceback.format_exc()})
        raise


@contextmanager
def _engine() -> Iterator[tuple[str | None, bool]]:
    """Where the engine is, and whether it is our own."""
    host = os.environ.get("DOCKER_HOST")
    if answers(host):
        _remove_orphans(host)
        try:
            yield host, False
        finally:
            _be_deaf()
            _remove(host, str(os.getpid()))
        return
    if absent := missing():
        raise NoEngineError(f"no Docker engine answers, and to start one it needs {'; '.join(absent)}")
    engine = claim()
    try:
        engine.start()
        yield engine.host, True
    finally:
        _be_deaf()
        engine.remove()


def _be_deaf() -> None:
    """From here on everything is taken down, whatever else is asked for."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _await_end(run: int) -> None:
    try:
        watched = os.pidfd_open(run)
    except ProcessLookupError:
        return
    select.select([watched], [], [])


def _remove_orphans(host: str | None) -> None:
    with closing(_client(host)) as client:
        for container in client.containers.list(all=True, filters={"label": LABEL}):
            keeper = container.labels[LABEL]
            if not _is_keeper(keeper):
                _remove(host, keeper)


def _is_keeper(process: str) -> bool:
    try:
        return __spec__.name.encode() in Path("/proc", process, "cmdline").read_bytes()
    except OSError:
        return False


def _remove(host: str | None, keeper: str) -> None:
    with closing(_client(host)) as client:
        for container in client.containers.list(all=True, filters={"label": f"{LABEL}={keeper}"}):
            container.remove(force=True, v=True)


def _client(host: str | None) -> docker.DockerClient:
    return docker.DockerClient(base_url=host) if host else docker.from_env()


def _tell(file: Path, told: object) -> None:
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(told))
    beside.rename(file)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
