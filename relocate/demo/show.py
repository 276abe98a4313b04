# SPDX-License-Identifier: Apache-2.0
"""`relocate demo` and `relocate dev`."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from relocate.demo import site
from relocate.demo.drive import Traffic
from relocate.demo.outcome import snapshot, write_outcome
from relocate.demo.processes import StartFailed
from relocate.demo.report.model import Report
from relocate.demo.story import Story
from relocate.demo.system import System, new_system, stop
from relocate.store.database import Database

BUILD = Path("build/demo")

Render = Callable[[dict[str, Any]], str]
"""Makes the page as one file from a snapshot; the front end's, given by the command that starts us."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def run(*, render: Render, build: Path = BUILD, fault: str | None = None, short: bool = False) -> int:
    """Tell the story and print the verdict.

    Returns:
        0 if the service lost nothing and nothing was wrong, 1 if it did, 130 after Ctrl-C.
    """
    return asyncio.run(_interruptible(_run(Console(highlight=False), render, build, short)))


def dev(*, api_port: int | None = None) -> int:
    """Run the service with two empty clusters and the sample application configured, until Ctrl-C."""
    return asyncio.run(_interruptible(_dev(Console(highlight=False), api_port)))


async def _run(console: Console, render: Render, build: Path, short: bool) -> int:
    began = time.monotonic()

    def tell(sentence: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:5.1f} s[/dim]  {sentence}")

    async with _system(console, None) as system:
        await system.start(tell)
        story = Story(system, Traffic(system), tell)
        await story.begin()
        if not short:
            await story.drive_today()
        await story.drive_ours()
        await story.traffic.stop()
        report = _leave(build, system, story, render)
    return _conclude(console, report, build)


async def _dev(console: Console, api_port: int | None) -> int:
    async with _system(console, api_port) as system:
        await system.start(lambda sentence: console.print(sentence))
        await system.configure()
        console.print(f"relocate --server {system.api} place {site.OURS} mec-a")
        while True:
            system.processes.check()
            await asyncio.sleep(0.5)


@asynccontextmanager
async def _system(console: Console, api_port: int | None) -> AsyncIterator[System]:
    """A system in a folder of its own; whatever happens, nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="relocate-demo-"))
    system = new_system(folder, api_port=api_port)
    try:
        yield system
    except StartFailed as error:
        console.print(f"[red]{error}[/red]")
        raise
    finally:
        await stop(system)
        if not os.environ.get("KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


def _leave(build: Path, system: System, story: Story, render: Render) -> Report:
    build.mkdir(parents=True, exist_ok=True)
    for old in build.glob("evidence-*.json"):
        old.unlink()
    database = Database.open(system.database_url)
    try:
        report = write_outcome(build, database, story.traffic.records, story.drives, story.relocations)
        shown = snapshot(database, story.relocations, story.traffic.seconds(), report)
        (build / "report.html").write_text(render(shown))
    finally:
        database.close()
    return report


def _conclude(console: Console, report: Report, build: Path) -> int:
    for reason, count in report.reasons.items():
        console.print(f"  {count} x {reason}")
    console.print(f"the whole story: {build}/report.html, {build}/report.json, {build}/evidence-*.json")
    console.print(report.verdict, style="bold green" if report.passed else "bold red")
    return 0 if report.passed else 1


async def _interruptible(work: Any) -> int:  # noqa: ANN401 - a coroutine of int
    """Ctrl-C and SIGTERM cancel the work, which then cleans up after itself."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return int(await task)
    return INTERRUPTED
