# SPDX-License-Identifier: Apache-2.0
"""The stage: everything runs while its block does, and whatever happens, nothing of it is left afterwards."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from relocate.demo.processes import StartFailed
from relocate.demo.system import NICER, System, new_system, stop
from relocate.errors import RelocateError
from steering.errors import SteeringError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

FORESEEN = (RelocateError, SteeringError, httpx.HTTPError, TimeoutError, OSError)
"""What may go wrong with real processes on a real machine; anything else is a mistake of ours."""


class Broken(RelocateError):
    """The story could not be told to its end; the text says why, with the end of the log that tells more."""


@asynccontextmanager
async def stage(*, api_port: int | None = None) -> AsyncIterator[System]:
    """A system, not started yet, in a folder of its own.

    Raises:
        Broken: what happened inside, in a sentence.
    """
    folder = Path(tempfile.mkdtemp(prefix="relocate-demo-"))
    system = new_system(folder, api_port=api_port)
    system.nicer = NICER
    try:
        yield system
    except FORESEEN as error:
        raise Broken(_sentence(system, error)) from error
    finally:
        await stop(system)
        shutil.rmtree(folder, ignore_errors=True)


def interruptible(work: Coroutine[Any, Any, int]) -> int:
    """Run to the end, or until Ctrl-C, SIGTERM or the terminal's end; then clean up, however often that is said."""
    status = asyncio.run(_interruptible(work))
    if status == INTERRUPTED:
        # Everything is gone; one more Ctrl-C has nothing to interrupt but this process's last breath.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return status


async def _interruptible(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()

    def end() -> None:
        # Once only: a second one would interrupt the cleaning up.
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    with contextlib.suppress(asyncio.CancelledError):
        return await task
    return INTERRUPTED


def _sentence(system: System, error: Exception) -> str:
    """What went wrong; a process that has ended is the reason for whatever else was seen."""
    try:
        system.processes.check()
    except StartFailed as ended:
        return str(ended)
    match error:
        case httpx.HTTPStatusError():
            asked = f"{error.request.method} {error.request.url.path}"
            said = f"{asked} was answered {error.response.status_code}: {error.response.text[:300]}"
            return said + system.processes.tail("api")
        case httpx.HTTPError():
            return f"the API gave no answer: {error or type(error).__name__}{system.processes.tail('api')}"
        case TimeoutError():
            return f"{error or 'it took too long'}{system.processes.tail('worker')}"
        case _:
            return str(error) or type(error).__name__
