# SPDX-License-Identifier: Apache-2.0
"""One instance: a server process, from its start to the end of everything it started."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from relocate.clusters.contract import InstanceState
from relocate.clusters.process import marks, tether
from relocate.clusters.process.wire import PLACEHOLDER, Order, Status
from steering.model import Endpoint

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH")
"""What an instance gets of the agent's own environment: nothing that could be a secret."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a restart: doubled each time, up to the longest."""

CONNECT_TIMEOUT = 0.5

SETTLE = 0.02
"""Seconds that killed processes get to leave /proc before one looks again."""

LONGEST_LINE, LONGEST_REASON = 4096, 300


@dataclass(frozen=True)
class Place:
    """What an agent gives to one of its instances."""

    cluster: str
    host: str
    ports: Mapping[str, int]
    mark: str
    log: Path
    """Path without suffix: `.stdout` and `.stderr` are written."""


class Instance:
    """One instance. `begin` starts it, `end` stops it; between the two it is watched."""

    def __init__(self, application: str, name: str, order: Order, place: Place) -> None:
        self.application = application
        self.name = name
        self.order = order
        self._place = place
        self._process: Process | None = None
        self._began = 0.0
        self._life: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._spawning = asyncio.Lock()
        self._closed_ports: set[str] = set()
        self._restarts = 0
        self._state = InstanceState.STARTING
        self._reason = "is being started"

    async def begin(self) -> None:
        """Start the process and watch it; OSError when there can be no process."""
        async with self._spawning:
            process = await self._spawn()
            self._life = asyncio.create_task(self._live(process))

    async def end(self) -> None:
        """SIGTERM, the grace time, SIGKILL; returns when nothing of the instance is left."""
        self._ending.set()
        self._state, self._reason = InstanceState.STOPPING, "was asked to end"
        async with self._spawning:
            # A process that is just being made must not be missed.
            if self._process is not None and self._process.returncode is None:
                self._process.terminate()
        if self._life is not None:
            await asyncio.wait({self._life}, timeout=self.order.workload.grace_seconds)
        await self._kill_all()
        if self._life is not None:
            await self._life

    async def status(self) -> Status:
        """The instance now."""
        await self._try_ports()
        alive = self._process is not None and self._process.returncode is None
        return Status(
            application=self.application,
            instance=self.name,
            state=self._state,
            reason=self._reason,
            endpoints={name: Endpoint(host=self._place.host, port=port) for name, port in self._place.ports.items()},
            pid=self._process.pid if self._process is not None and alive else None,
            capacity=self.order.workload.capacity,
            restarts=self._restarts,
            gone=self._state is InstanceState.FAILED and not marks.any_marked(self._place.mark),
        )

    async def _live(self, process: Process) -> None:
        while True:
            status = await process.wait()
            how = describe_end(status, time.monotonic() - self._began, self._place.log)
            # What it started must not go on serving, or hold a port, when it does not.
            await self._kill_all()
            if self._ending.is_set():
                return
            if status == 0 or self.order.workload.restart == "never":
                self._state, self._reason = InstanceState.FAILED, how
                return
            self._state, self._reason = InstanceState.STARTING, f"{how}; is started again"
            if await self._ends_within(min(FIRST_PAUSE * 2**self._restarts, LONGEST_PAUSE)):
                return
            self._restarts += 1
            try:
                async with self._spawning:
                    process = await self._spawn()
            except OSError as error:
                self._state, self._reason = InstanceState.FAILED, f"cannot be started again: {error}"
                return

    async def _spawn(self) -> Process:
        command = (sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *self._filled_command())
        self._began = time.monotonic()
        self._closed_ports = set(self._place.ports)
        with self._log("stdout") as output, self._log("stderr") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        return self._process

    def _log(self, stream: str) -> BinaryIO:
        return self._place.log.with_name(f"{self._place.log.name}.{stream}").open("ab")

    def _filled_command(self) -> tuple[str, ...]:
        return tuple(self._filled(part) for part in self.order.workload.command)

    def _filled(self, text: str) -> str:
        ports = self._place.ports
        return PLACEHOLDER.sub(
            lambda found: sys.executable if found["port"] is None else str(ports[found["port"]]), text
        )

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        ports = {f"RELOCATE_PORT_{_variable(name)}": str(port) for name, port in self._place.ports.items()}
        wanted = {name: self._filled(value) for name, value in self.order.workload.env.items()}
        ours = {
            "RELOCATE_INSTANCE": self.name,
            "RELOCATE_CLUSTER": self._place.cluster,
            marks.VARIABLE: self._place.mark,
        }
        return inherited | wanted | ports | ours

    async def _try_ports(self) -> None:
        """Find out whether every port accepts connections; once it did, the readiness gate knows more than we do."""
        if self._state is not InstanceState.STARTING or self._process is None or self._process.returncode is not None:
            return
        for name in sorted(self._closed_ports):
            if not await accepts(self._place.host, self._place.ports[name]):
                address = f"{self._place.host}:{self._place.ports[name]}"
                self._reason = f"its port {name} ({address}) accepts no connection yet"
                return
            self._closed_ports.discard(name)
        if not self._ending.is_set():
            self._state, self._reason = InstanceState.RUNNING, ""

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        return self._ending.is_set()

    async def _kill_all(self) -> None:
        while marks.any_marked(self._place.mark):
            marks.kill(self._place.mark)
            await asyncio.sleep(SETTLE)


def describe_end(status: int, seconds: float, log: Path) -> str:
    """How a process ended, in one sentence: its status or signal, its age, the last line of its stderr."""
    how = f"was ended by {_signal_name(-status)}" if status < 0 else f"exited with status {status}"
    last = _last_line(log.with_name(f"{log.name}.stderr"))
    return f"{how} after {seconds:.1f} s" + (f": {last}" if last else "")


def _signal_name(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LONGEST_LINE))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:LONGEST_REASON]


async def accepts(host: str, port: int) -> bool:
    """Whether something accepts a TCP connection there."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # TimeoutError is one
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")
