# SPDX-License-Identifier: Apache-2.0
"""Memory of the service's own processes while they idle: proportional set size, as the kernel counts it."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from relocate.demo.system import System
from tests.bench.bench import Bench
from tests.bench.rows import Reach, Row

NAME = "memory"
PROCESSES = ("api", "worker", "gateway-control")
SETTLE_SECONDS = 5.0
REACH = Reach(300, of_ratio=False, unit=" MiB")


async def measure(bench: Bench) -> Sequence[Row]:
    """One row: the sum, with each process's part."""
    bench.tell("memory: the service idles")
    system = await bench.system()
    await asyncio.sleep(SETTLE_SECONDS)
    found = shares(system)
    total = sum(found.values())
    return [
        Row(
            name=NAME,
            what="memory (PSS) of API + worker + control plane while idle",
            value=total,
            unit="MiB",
            reach=str(REACH),
            ok=REACH.holds(total),
            note=", ".join(f"{name} {share:.0f} MiB" for name, share in found.items()),
        )
    ]


def shares(system: System) -> Mapping[str, float]:
    """PSS by process, in MiB."""
    return {name: _pss(system.processes.named(name).process.pid) for name in PROCESSES}


def _pss(process: int) -> float:
    """Raises ValueError on a kernel that does not say."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name == "Pss":
            return int(rest.split()[0]) / 1024
    raise ValueError(f"process {process}: the kernel does not tell its proportional set size")
