# SPDX-License-Identifier: Apache-2.0
"""The exec probe: a program of the operator's that says by its exit code whether the target is ready.

It runs on the machine that asks, so whoever may write an application's specification may run programs there: allow
that only where it is meant.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Mapping
from typing import IO, Annotated, Self

from pydantic import Field

from readiness.answers import LONGEST, bounded, never, not_yet, ready
from readiness.contract import Probe
from readiness.model import Target, Verdict
from readiness.settings import Settings, checked

ExitCode = Annotated[int, Field(ge=1, le=255)]


class ExecSettings(Settings):
    """What is run."""

    argv: tuple[Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=4096)], ...] = Field(min_length=1, max_length=64)
    """Program and arguments; no shell. The target is in the environment: TARGET_HOST, TARGET_PORT, TARGET_TLS (0 or
    1), TARGET_SERVER_NAME, TARGET_CA_FILE, TARGET_HEADERS (a JSON object). Of the asking process' own environment
    only PATH is passed on."""
    never: frozenset[ExitCode] = frozenset()
    """Exit codes that mean: waiting will not help. 0 means ready, any other code not yet."""


class ExecProbe(Probe):
    """Ready when the program exits with 0. At the time-out its whole process group is killed."""

    confined = False

    def __init__(self, settings: ExecSettings) -> None:
        """Args: settings: what is run."""
        self._settings = settings

    @classmethod
    def open(cls, settings: Mapping[str, object]) -> Self:
        """Make the probe; see `ExecSettings`."""
        return cls(checked("exec", ExecSettings, settings))

    async def check(self, target: Target, *, timeout: float) -> Verdict:
        """Run the program once."""
        return await bounded(self._run(target), timeout)

    async def _run(self, target: Target) -> Verdict:
        # A pipe of our own: with asyncio's, `wait` waits for whoever inherited the pipe, too.
        ours, theirs = os.pipe()
        with os.fdopen(ours, "rb", buffering=0) as pipe:
            try:
                process = await self._start(target, theirs)
            except (FileNotFoundError, PermissionError) as error:
                return never(f"{self._settings.argv[0]} cannot be run: {error.strerror}")
            finally:
                os.close(theirs)
            code, output = await _finished(process, pipe)
        return self._judged(code, output)

    async def _start(self, target: Target, output: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._settings.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(target),
            start_new_session=True,
        )

    def _judged(self, code: int, output: str) -> Verdict:
        observed = {"exit": str(code), "output": output}
        if code == 0:
            return ready("exited with 0", observed)
        how = f"was killed by signal {-code}" if code < 0 else f"exited with {code}"
        reason = f"{how}: {output}" if output.strip() else how
        return never(reason, observed) if code in self._settings.never else not_yet(reason, observed)


def _environment(target: Target) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "TARGET_HOST": target.host,
        "TARGET_PORT": str(target.port),
        "TARGET_TLS": str(int(target.tls)),
        "TARGET_SERVER_NAME": target.server_name or "",
        "TARGET_CA_FILE": target.ca_file or "",
        "TARGET_HEADERS": json.dumps(dict(target.headers)),
    }


async def _finished(process: asyncio.subprocess.Process, pipe: IO[bytes]) -> tuple[int, str]:
    """Exit code and the output's beginning. When it returns or is cancelled, nothing of the process group is left."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    reading = asyncio.create_task(_beginning(reader))
    try:
        code = await process.wait()
        _kill_group(process)
        return code, await reading
    finally:
        _kill_group(process)
        reading.cancel()
        transport.close()
        await process.wait()


async def _beginning(reader: asyncio.StreamReader) -> str:
    # All of it is read, or a program that says much would wait for ever.
    kept = b""
    while part := await reader.read(65536):
        kept = (kept + part)[: 4 * LONGEST]
    return kept.decode(errors="replace")[:LONGEST]


def _kill_group(process: asyncio.subprocess.Process) -> None:
    # Nobody left to kill is what we want (macOS says "not permitted" where only a zombie is left).
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
