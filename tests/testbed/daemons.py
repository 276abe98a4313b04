# SPDX-License-Identifier: Apache-2.0
"""The daemons of a test bed: as a machine's service manager would, one that ends by itself is started again.

So a test kills an API server or a kubelet by its process id, which is in a file, and the cluster gets over it.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from relocate.demo.processes import Processes, Running
from tests.testbed.bed import Bed

AGAIN_SECONDS = 1.0
"""From its end to its next start."""
READY_SECONDS = 120.0
"""It takes a few; on a machine that is busy otherwise, many."""
FOLDER = "daemons"
"""In the bed's: a file with the process id for each, named CLUSTER-DAEMON."""


@dataclass
class Daemons:
    """Of one bed. Until they are watched, the end of one is a failure, which `processes` tells whoever waits for something."""

    bed: Bed
    processes: Processes
    _commands: dict[str, Sequence[str]] = field(default_factory=dict)

    async def start(self, name: str, argv: Sequence[str]) -> None:
        """Start one."""
        self._commands[name] = argv
        running = await self.processes.start(name, argv)
        file = self.bed.folder / FOLDER / name
        file.parent.mkdir(exist_ok=True)
        written = file.with_suffix(".new")
        written.write_text(f"{running.process.pid}\n")
        written.rename(file)  # whole, or not at all

    async def wait_for(self, name: str, ready: Callable[[], Awaitable[bool]]) -> None:
        """Wait until one is ready.

        Raises:
            StartFailed: it, or another, ended, or it took too long.
        """
        await self.processes.wait_for(name, ready, seconds=READY_SECONDS)

    async def watch(self) -> None:
        """Start whoever ends again; until cancelled."""
        async with asyncio.TaskGroup() as group:
            for one in self.processes.running:
                if one.name in self._commands:
                    group.create_task(self._keep(one))

    async def _keep(self, running: Running) -> None:
        while True:
            status = await running.process.wait()
            sys.stderr.write(f"{running.name} ended with status {status}\n")
            self.processes.running.remove(running)
            await asyncio.sleep(AGAIN_SECONDS)
            await self.start(running.name, self._commands[running.name])
            running = self.processes.named(running.name)


def process(bed: Bed, cluster: str, daemon: str) -> int | None:
    """A daemon's process id; None when there is none of this name.

    Args:
        bed: one that is up.
        cluster: edge-a, edge-b or hub.
        daemon: etcd, apiserver, controller-manager or scheduler; of the edge clusters also containerd, kubelet and proxy.
    """
    with suppress(FileNotFoundError):
        return int((bed.folder / FOLDER / f"{cluster}-{daemon}").read_text())
    return None
