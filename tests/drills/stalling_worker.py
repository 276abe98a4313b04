# SPDX-License-Identifier: Apache-2.0
"""A worker that stalls once, at the worst moment: it has been allowed to give a side weight, and has not done so yet.

`stalling_worker.py SIDE FOLDER` is the worker of the service. Right before it would write a document that gives SIDE
weight it stops (SIGSTOP), after a file `stalled` in FOLDER. When somebody lets it go on it writes, late, and leaves what
came of that in a file `late`.
"""

import signal
import sys
import threading
from pathlib import Path

from relocate.cli.processes import worker
from steering.errors import SteeringError
from steering.model import Fence, RouteDocument
from steering.store.routes import RouteStore


def stall_before_weight_on(side: str, folder: Path) -> None:
    """Let this process stop before its first write that gives `side` weight."""
    write = RouteStore.write

    def stalling(store: RouteStore, gateway: str, document: RouteDocument, fence: Fence, base: int | None) -> int:
        if not document.weights.get(side) or (folder / "stalled").exists():
            return write(store, gateway, document, fence, base)
        (folder / "stalled").touch()
        # To this very thread: one that is sent to the process may stop it a moment after the write.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        try:
            version = write(store, gateway, document, fence, base)
        except SteeringError as error:
            _leave(folder / "late", f"{type(error).__name__}: {error}")
            raise
        _leave(folder / "late", f"written as version {version}")
        return version

    RouteStore.write = stalling  # type: ignore[method-assign]  # the moment lies inside the worker; nobody else can meet it


def _leave(file: Path, text: str) -> None:
    """Write a file that is whole as soon as it is there."""
    part = file.with_suffix(".part")
    part.write_text(text)
    part.rename(file)


if __name__ == "__main__":
    stall_before_weight_on(sys.argv[1], Path(sys.argv[2]))
    worker()
