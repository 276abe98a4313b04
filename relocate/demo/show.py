# SPDX-License-Identifier: Apache-2.0
"""`relocate demo` and `relocate dev`."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from relocate.attestation import Signer
from relocate.demo import faults, site
from relocate.demo.drive import Traffic
from relocate.demo.faults import Fault
from relocate.demo.ground import Ground, OwnClusters
from relocate.demo.keys import keys
from relocate.demo.moving import Mover
from relocate.demo.outcome import snapshot, write_outcome
from relocate.demo.report.model import Fate, RelocationReport, Report
from relocate.demo.stage import Broken, interruptible, stage
from relocate.demo.story import Story
from relocate.demo.system import System, Tell
from relocate.store.database import Database

BUILD = Path("build/demo")

FAILED = 1
"""Exit code when something was lost or wrong, or a move ended otherwise than it should have, or nothing could be shown."""

REASONS = 10
"""So many reasons are printed; all of them stand in report.json."""
CROWDED = 2.0
"""So many programs for each processor make a machine too slow for the traffic's time-outs."""

Render = Callable[[dict[str, Any]], str]
"""Makes the page as one file from a snapshot; the front end's, given by the command that starts us."""


def run(
    *, render: Render, build: Path = BUILD, fault: str | None = None, short: bool = False, ground: Ground | None = None
) -> int:
    """Tell the story and print the verdict.

    Args:
        render: makes the page.
        build: where the report goes.
        fault: what shall fail, by its name.
        short: without today's order.
        ground: what the application runs on; None: clusters of our own.

    Returns:
        0 if the service lost nothing, nothing was wrong, and every move ended as it should; 1 if not, 130 after Ctrl-C.

    Raises:
        InvalidRequest: no fault is called so; nothing was started.
    """
    chosen = None if fault is None else faults.named(fault)

    async def told(console: Console) -> int:
        return await _run(console, render, build, chosen, ground or OwnClusters(), short=short)

    return _shown(Console(highlight=False, soft_wrap=True), told)


def dev(*, api_port: int | None = None) -> int:
    """Run the service with two empty clusters and the sample application configured, until Ctrl-C."""
    return _shown(Console(highlight=False, soft_wrap=True), lambda console: _dev(console, api_port))


def _shown(console: Console, show: Callable[[Console], Any]) -> int:
    try:
        return interruptible(show(console))
    except Broken as broken:
        console.print(str(broken), style="red", markup=False)
        return FAILED


async def _run(
    console: Console, render: Render, build: Path, fault: Fault | None, ground: Ground, *, short: bool
) -> int:
    tell = _teller(console)
    async with stage() as system:
        system.ground = ground
        system.envoy = fault.envoy if fault is not None else {}
        traffic = Traffic(system)
        mover = Mover(system, tell, traffic.mark, fault)
        with keys(mover.press) as listening:
            if fault is not None:
                tell(f"--fault {fault.name}: {fault.sentence}")
            elif listening:
                tell("press k at any time to kill the instance on the target in the middle of the switch")
            await system.start(tell)
            story = Story(system, traffic, mover, tell)
            await story.begin()
            if not short:
                await story.drive_today()
            await story.drive_ours()
            await story.end()
        report = _leave(build, system, story, render)
    return _conclude(console, report, build, story.otherwise)


async def _dev(console: Console, api_port: int | None) -> int:
    async with stage(api_port=api_port) as system:
        await system.start(_teller(console))
        await system.configure()
        console.print(f"health and metrics: http://127.0.0.1:{system.ports.metrics}/readyz", markup=False)
        console.print(f"relocate --server {system.api} place {site.OURS} mec-a", markup=False)
        while True:
            system.processes.check()
            await asyncio.sleep(0.5)


def _teller(console: Console) -> Tell:
    began = time.monotonic()

    def tell(sentence: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:5.1f} s[/dim]  {escape(sentence)}")

    return tell


def _leave(build: Path, system: System, story: Story, render: Render) -> Report:
    build.mkdir(parents=True, exist_ok=True)
    for old in build.glob("evidence-*.json"):
        old.unlink()
    met = {identity: report for identity, (_, report) in story.mover.met.items()}
    database = Database.open(system.database_url)
    try:
        report = write_outcome(
            build,
            database,
            story.traffic.records,
            Signer.of(system.signing_key),
            drives=story.drives,
            relocations=story.relocations,
            faults=met,
        )
        shown = snapshot(database, story.relocations, story.traffic.lines(), report)
        (build / "report.html").write_text(render(shown))
    finally:
        database.close()
    return report


def _conclude(console: Console, report: Report, build: Path, otherwise: str | None) -> int:
    for moved in report.relocations:
        for line in _fates(moved):
            console.print(line, markup=False)
    for reason, count in list(report.reasons.items())[:REASONS]:
        console.print(f"  {count} x {reason}", markup=False)
    console.print(f"the whole story: {build}/report.html, {build}/report.json, {build}/evidence-*.json", markup=False)
    for moved in report.relocations:
        where = f"--key {build}/evidence-key.pem {build}/evidence-{moved.id}.json"
        console.print(f"nobody has to take our word: relocate verify {where}", markup=False)
    if report.lost and (load := os.getloadavg()[0]) > CROWDED * (processors := os.cpu_count() or 1):
        # An honest count on a machine that cannot keep up says little about the service.
        console.print(f"note: {load:.1f} programs wanted this machine's {processors} processors just now", markup=False)
    if otherwise is not None:
        console.print(otherwise, style="bold red", markup=False)
    good = report.passed and otherwise is None
    console.print(report.verdict, style="bold green" if good else "bold red", markup=False)
    return 0 if good else FAILED


def _fates(moved: RelocationReport) -> Iterator[str]:
    """What a fault meant for users, in words."""
    if moved.fault is None:
        return
    yield f"{moved.fault.name}: {moved.fault.sentence}; {moved.sentence}"
    if moved.fault.at_ns is None:
        return
    ends = Counter(map(_fate, moved.fault.in_flight))
    yield f"  {len(moved.fault.in_flight)} requests were in flight at that moment:"
    yield from (f"    {count} {end}" for end, count in ends.most_common())


def _fate(fate: Fate) -> str:
    return f"answered by {fate.cluster}" if fate.outcome == "right" else f"{fate.protocol} {fate.outcome}: {fate.error}"
