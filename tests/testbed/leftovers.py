# SPDX-License-Identifier: Apache-2.0
"""Taking a test bed down, also one whose keeper was killed: everything it made is found by its name or its folder."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.testbed.bed import Bed, Host
from tests.testbed.groups import Groups
from tests.testbed.network import remove_bridge

ATTEMPTS, PAUSE_SECONDS = 300, 0.1


class LeftoversError(RuntimeError):
    """Something of a test bed cannot be removed."""


async def sweep(bed: Bed) -> None:
    """End every container and process, and remove links, control groups and files. Nothing there is fine.

    Raises:
        LeftoversError: something stays.
    """
    for host in bed.hosts:
        await _until(f"processes of {host.label}", partial(_end, host))
    await remove_bridge(bed)
    for host in bed.hosts:
        await _until(f"control groups {host.label}", Groups(host.label).remove)
    await _until(str(bed.folder), partial(_remove, bed.folder))


async def _until(what: str, gone: Callable[[], bool]) -> None:
    """Try until it is gone: processes take a moment to end, and what they had open goes after them."""
    for _ in range(ATTEMPTS):
        if await asyncio.to_thread(gone):
            return
        await asyncio.sleep(PAUSE_SECONDS)
    raise LeftoversError(f"cannot be removed: {what}")


def _end(host: Host) -> bool:
    """SIGKILL to containers and to whoever waited for them; whether there was none."""
    found = {*Groups(host.label).processes(), *_inside(host)}
    for process in found:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return not found


def _inside(host: Host) -> Iterator[int]:
    """Processes that see the host's private folders: its daemons, its containers' shims, and whoever looks around."""
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and _sees(process, host):
            yield int(process.name)


def _sees(process: Path, host: Host) -> bool:
    # A mount's source is told by its path in its own file system, which need not be the whole path.
    source = os.fsencode(f"/{host.bed.folder.name}/{host.name}/")
    try:
        return source in (process / "mountinfo").read_bytes()
    except OSError:  # it has just ended
        return False


def _remove(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
