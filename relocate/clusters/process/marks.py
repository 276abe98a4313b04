# SPDX-License-Identifier: Apache-2.0
"""Finding every process that an instance started, whatever became of its parents.

Each instance gets a variable in its environment that its descendants inherit, also those in a session of their own or
whose parents have ended; /proc shows it (proc(5)). A descendant that throws its environment away is not found: only
the kernel's own containers can do better.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "RELOCATE_MARK"


def marked(mark: str, *, whole: bool = True) -> Iterator[int]:
    """Ids of the living processes with this mark, this process excepted.

    Args:
        mark: value of the variable.
        whole: False finds every mark that begins with `mark`.
    """
    wanted = f"\0{VARIABLE}={mark}".encode() + (b"\0" if whole else b"")
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid() and wanted in _environment(process):
            yield int(process.name)


def _environment(process: Path) -> bytes:
    """The environment as the process was started with it; empty for one that ended or belongs to somebody else."""
    try:
        return b"\0" + (process / "environ").read_bytes()
    except OSError:
        return b""


def any_marked(mark: str, *, whole: bool = True) -> bool:
    """Whether a process with this mark lives."""
    return next(marked(mark, whole=whole), None) is not None


def kill(mark: str, *, whole: bool = True) -> None:
    """SIGKILL to every process with this mark, once."""
    for process in marked(mark, whole=whole):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def exterminate(mark: str, *, whole: bool = True, timeout: float = 5.0) -> bool:
    """Kill until none is left, also of those that are being started meanwhile; whether that came true in time."""
    deadline = time.monotonic() + timeout
    while any_marked(mark, whole=whole):
        if time.monotonic() > deadline:
            return False
        kill(mark, whole=whole)
        time.sleep(0.01)
    return True
