# SPDX-License-Identifier: Apache-2.0
"""Memory of the service's own processes, as the kernel counts it: proportional set size, idle and with relocations held.

The service is one of its own, which has done nothing before. Its processes log what they import (PYTHONPROFILEIMPORTTIME),
so that the row can say what was *not* loaded. Relocations are held in `ready`, with their prober, on real Envoys: their
target answers, and says that it is not ready.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from relocate.demo.system import System, new_system, stop
from tests.bench.bench import Bench
from tests.bench.held import Held
from tests.bench.rows import Reach, Row

NAME = "memory"
PROCESSES = ("api", "worker", "gateway-control")
UNWANTED = "kubernetes"
"""A package that needs tens of MiB, and only whoever steers or deploys with it shall pay for it."""
SETTLE_SECONDS = 5.0
IDLE, EACH = Reach(300, of_ratio=False, unit=" MiB"), Reach(1, of_ratio=False, unit=" MiB")
FEW, MANY = 10, 40
"""Relocations held at the two points between which memory is compared."""


async def measure(bench: Bench) -> Sequence[Row]:
    """Two rows: the sum while idle, and what one more running relocation costs the worker."""
    bench.tell(f"memory: the service idles, then holds {FEW} and {MANY} relocations")
    async with _system(bench) as system:
        await asyncio.sleep(SETTLE_SECONDS)
        idle = _idle(system)
        async with Held.opened(system) as held:
            points = {}
            for number in (FEW, MANY):
                await held.reach(number)
                bench.tell(f"memory: {number} relocations are held")
                await asyncio.sleep(SETTLE_SECONDS)
                points[number] = shares(system)
    return [idle, _each(points[FEW], points[MANY])]


def _idle(system: System) -> Row:
    found = shares(system)
    total = sum(found.values())
    loaded = [name for name in PROCESSES if UNWANTED in _imported(system, name)]
    said = f"{UNWANTED} is loaded by {', '.join(loaded)}" if loaded else f"{UNWANTED} is loaded by none of them"
    return Row(
        name=NAME,
        what="memory (PSS) of API + worker + control plane while idle",
        value=total,
        unit="MiB",
        reach=str(IDLE),
        ok=IDLE.holds(total) and not loaded,
        note=f"{', '.join(f'{name} {share:.0f} MiB' for name, share in found.items())}; {said}",
    )


def _each(few: Mapping[str, float], many: Mapping[str, float]) -> Row:
    each = (many["worker"] - few["worker"]) / (MANY - FEW)
    grown = [f"{name} {few[name]:.0f} -> {many[name]:.0f} MiB" for name in PROCESSES]
    return Row(
        name=NAME,
        what=f"memory (PSS) of the worker for each running relocation, {FEW} -> {MANY} held with their probers",
        value=each,
        unit="MiB",
        reach=str(EACH),
        ok=EACH.holds(each),
        note=", ".join(grown),
    )


@asynccontextmanager
async def _system(bench: Bench) -> AsyncIterator[System]:
    system = new_system(bench.subfolder(NAME))
    try:
        with _import_log():
            await system.start(lambda _: None)
        await system.configure()
        yield system
    finally:
        await stop(system)


@contextmanager
def _import_log() -> Iterator[None]:
    """Processes started meanwhile log each import."""
    os.environ["PYTHONPROFILEIMPORTTIME"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHONPROFILEIMPORTTIME"]


def _imported(system: System, name: str) -> frozenset[str]:
    """Top-level packages that a process has imported so far.

    Raises:
        ValueError: its log tells of no import at all.
    """
    lines = system.processes.named(name).log.read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")]
    if "relocate" not in told:
        raise ValueError(f"{name} does not log its imports")
    return frozenset(module.partition(".")[0] for module in told)


def shares(system: System) -> Mapping[str, float]:
    """PSS by process, in MiB."""
    return {name: pss(system.processes.named(name).process.pid) for name in PROCESSES}


def pss(process: int) -> float:
    """Proportional set size of a process, in MiB. Raises ValueError on a kernel that does not say."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name == "Pss":
            return int(rest.split()[0]) / 1024
    raise ValueError(f"process {process}: the kernel does not tell its proportional set size")
