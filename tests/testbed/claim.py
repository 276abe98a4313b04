# SPDX-License-Identifier: Apache-2.0
"""Whose a test bed is: one process has it at a time, and whoever asks learns from that process when it is up.

The claim is a listening socket with a name among Linux's abstract ones. It ends with the process that holds it, however that
ends, so there is no stale file to judge; and the kernel tells its process id (unix(7), SO_PEERCRED).
"""

import errno
import json
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

from tests.testbed.bed import Bed

CREDENTIALS = struct.Struct("3i")
"""unix(7): process, user, group."""


class TakenError(RuntimeError):
    """Another process has this test bed."""


class NotUpError(RuntimeError):
    """A test bed did not come up; its keeper says why."""


def claim(bed: Bed) -> socket.socket:
    """Take a bed; it is ours until the socket is closed, or we end.

    Raises:
        TakenError: somebody else has it.
    """
    taken = socket.socket(socket.AF_UNIX)
    try:
        taken.bind(_name(bed))
    except OSError as error:
        taken.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise TakenError(f"{bed.name} is taken; `python -m tests.testbed down` ends it") from None
    taken.listen()
    return taken


def holder(bed: Bed) -> int | None:
    """The process that has it now."""
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(_name(bed))
        except OSError:
            return None
        process, _, _ = CREDENTIALS.unpack(asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
        return int(process)


def kubeconfigs(bed: Bed, seconds: float) -> Mapping[str, Path]:
    """Wait until a bed is up.

    Returns:
        The administrator's kubeconfig by cluster.

    Raises:
        NotUpError: nobody has it, its keeper ended before it was up, or it took longer than `seconds`.
    """
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(seconds)
        try:
            asking.connect(_name(bed))
            told = b"".join(iter(lambda: asking.recv(4096), b""))
        except OSError as error:
            raise NotUpError(f"{bed.name}: {error}") from error
    if not told:
        raise NotUpError(f"{bed.name}: its keeper ended before it was up")
    return {name: Path(file) for name, file in json.loads(told).items()}


def _name(bed: Bed) -> str:
    return f"\0{bed.folder}"
