# SPDX-License-Identifier: Apache-2.0
"""`POST /invoke/{client}` per second on our API, against a bare FastAPI handler that starts the same workflow; and its memory.

As `accepting`: two processes on one Temporal server, in turns, a burst each; no worker runs.
"""

from collections.abc import Iterator, Sequence
from itertools import count, islice
from statistics import median

from tests.api.test_invoke import SENT
from tests.bench.accepting import CONCURRENCY, servers
from tests.bench.bench import Bench
from tests.bench.burst import burst
from tests.bench.memory import pss
from tests.bench.rows import Reach, Row, compared

NAME = "invoking"
BURSTS, SIZE = 24, 60
LOOKS, BETWEEN = 12, 1_000
"""Memory is looked at so often, with so many calls between two looks. What a process takes and gives back in between (some 8 MiB) is
none that it keeps: the lowest of the first half is held against the lowest of the second."""
FLAT = Reach(1, of_ratio=False, unit=" MiB")
PATH = "/invoke/migrate_workflowclient"


async def measure(bench: Bench) -> Sequence[Row]:
    """The two rows."""
    bench.tell(
        f"invoking: {BURSTS} bursts of {SIZE} starts each, ours and bare, in turns; then {LOOKS * BETWEEN} of ours"
    )
    async with servers(bench.subfolder(NAME), await bench.temporal()) as (ours_at, bare_at, ours_process):
        bodies = _bodies()
        ours, bare = [], []
        for number in range(BURSTS + 1):
            rates = (
                await burst(ours_at, PATH, list(islice(bodies, SIZE)), CONCURRENCY),
                await burst(bare_at, "/invoke", list(islice(bodies, SIZE)), CONCURRENCY),
            )
            if number:  # the first burst of each opens connections and caches
                ours.append(rates[0])
                bare.append(rates[1])
        looks = []
        for _ in range(LOOKS):
            await burst(ours_at, PATH, list(islice(bodies, BETWEEN)), CONCURRENCY)
            looks.append(pss(ours_process))
    return [_rate(ours, bare), _memory(looks)]


def _rate(ours: Sequence[float], bare: Sequence[float]) -> Row:
    row = compared(
        NAME,
        f"POST /invoke per second, {CONCURRENCY} at once, median of {BURSTS} bursts",
        value=median(ours),
        reference=median(bare),
        unit="/s",
        against="a bare FastAPI handler that starts the same workflow",
        reach=Reach(0.9, at_least=True),
    )
    return row.model_copy(update={"spread": f"{min(ours):.0f}-{max(ours):.0f} | {min(bare):.0f}-{max(bare):.0f}"})


def _memory(looks: Sequence[float]) -> Row:
    half = len(looks) // 2
    first, second = min(looks[:half]), min(looks[half:])
    grown = second - first
    return Row(
        name=NAME,
        what=f"memory (PSS) that the API keeps of {LOOKS * BETWEEN} calls of POST /invoke",
        value=grown,
        unit="MiB",
        reach=str(FLAT),
        ok=FLAT.holds(grown),
        note=f"lowest {first:.0f} MiB, then {second:.0f}; highest {max(looks):.0f}",
    )


def _bodies() -> Iterator[bytes]:
    """The original's sample as workflowmgr sends it, each under another id."""
    for number in count(1):
        yield SENT.replace(b"migrate-apps-1", f"migrate-apps-{number}".encode())
