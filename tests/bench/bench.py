# SPDX-License-Identifier: Apache-2.0
"""What measurements share: a folder, a voice, and one running service for those that need all of it."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from relocate.demo.processes import Processes, free_ports, listens, program
from relocate.demo.system import NICER, TEMPORAL_TUNING, System, new_system, stop
from relocate.model.relocation import View
from tests.bench.rows import Row


class Bench:
    """One run of the benchmark."""

    def __init__(self, stack: AsyncExitStack, folder: Path, tell: Callable[[str], None]) -> None:
        """Args: stack: what is started ends with it; folder: for files; tell: says what goes on."""
        self._stack = stack
        self._system: System | None = None
        self._temporal: str | None = None
        self._began = time.monotonic()
        self._tell = tell
        self.folder = folder
        self.views: dict[str, Sequence[View]] = {}
        """Relocations that were made, by what they were made on: the waterfall is drawn from them."""
        self.seconds_each: dict[int, float] = {}
        """Seconds by relocation, by how many ran at once."""

    def tell(self, sentence: str) -> None:
        """Say what goes on."""
        self._tell(f"{time.monotonic() - self._began:5.0f} s  {sentence}")

    async def system(self) -> System:
        """The whole service, each part a process of its own, configured; started when it is first asked for."""
        if self._system is None:
            self._system = new_system(self.subfolder("system"))
            self._system.nicer = NICER
            self._stack.push_async_callback(stop, self._system)
            await self._system.start(lambda _: None)
            await self._system.configure()
        return self._system

    async def temporal(self) -> str:
        """Address of a Temporal server of the benchmark's own, in memory and tuned as the demo's."""
        if self._temporal is None:
            processes, (port,) = Processes(self.subfolder("temporal")), free_ports(1)
            self._stack.push_async_callback(processes.stop)
            argv = [program("temporal"), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)]
            argv += [part for value in TEMPORAL_TUNING for part in ("--dynamic-config-value", value)]
            await processes.start("temporal", [*argv, "--log-level", "error"])
            await processes.wait_for("temporal", lambda: listens(port))
            self._temporal = f"127.0.0.1:{port}"
        return self._temporal

    @retry(retry=retry_if_exception_type(RuntimeError), wait=wait_fixed(0.1), stop=stop_after_delay(30), reraise=True)
    async def client(self) -> Client:
        """A client of that server, which may listen before it is well."""
        return await Client.connect(await self.temporal(), data_converter=pydantic_data_converter)

    def subfolder(self, name: str) -> Path:
        """A new folder for one measurement."""
        made = self.folder / name
        made.mkdir(parents=True)
        return made


@asynccontextmanager
async def opened(tell: Callable[[str], None]) -> AsyncIterator[Bench]:
    """A run; nothing of it is left at its end."""
    with TemporaryDirectory(prefix="relocate-bench-") as folder:
        async with AsyncExitStack() as stack:
            yield Bench(stack, Path(folder), tell)


Measure = Callable[[Bench], Awaitable[Sequence[Row]]]
