# SPDX-License-Identifier: Apache-2.0
"""`POST /relocate` per second on our API, against a bare FastAPI handler that starts a workflow.

Each is a process of its own behind uvicorn, on one Temporal server. No worker runs: what is measured is accepting. Every
request of ours is for another application. Ours wants to know who asks, and puts it on record, as off loopback. The two take turns, a burst each, under the same concurrency.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median

from relocate.demo import site
from relocate.demo.processes import Processes, free_ports, listens, own_command
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.model.placement import Placement
from relocate.store.database import Database
from relocate.store.migrate import prepare
from tests.bench.bench import Bench
from tests.bench.burst import TOKEN, burst
from tests.bench.rows import Reach, Row, compared

NAME = "accepting"
BURSTS, SIZE, CONCURRENCY = 24, 60, 16
CLUSTERS = ("mec-a", "mec-b")


async def measure(bench: Bench) -> Sequence[Row]:
    """The row."""
    bench.tell(f"accepting: {BURSTS} bursts of {SIZE} requests each, ours and bare, in turns")
    folder = bench.subfolder(NAME)
    async with servers(folder, await bench.temporal()) as (ours_at, bare_at, _):
        bodies = _bodies()
        ours, bare = [], []
        for number in range(BURSTS + 1):
            batch = list(islice(bodies, SIZE))
            rates = (
                await burst(ours_at, "/relocate", batch, CONCURRENCY),
                await burst(bare_at, "/start", batch, CONCURRENCY),
            )
            if number:  # the first burst of each opens connections and caches
                ours.append(rates[0])
                bare.append(rates[1])
    what = f"POST /relocate per second, {CONCURRENCY} at once, median of {BURSTS} bursts"
    row = compared(
        NAME,
        what,
        value=median(ours),
        reference=median(bare),
        unit="/s",
        against="a bare FastAPI handler that starts a workflow",
        reach=Reach(0.9, at_least=True),
    )
    return [row.model_copy(update={"spread": f"{min(ours):.0f}-{max(ours):.0f} | {min(bare):.0f}-{max(bare):.0f}"})]


def _bodies() -> Iterator[bytes]:
    for number in range((BURSTS + 1) * SIZE):
        yield json.dumps({"application": _name(number), "target": CLUSTERS[1], "reason": "the UE moved"}).encode()


def _name(number: int) -> str:
    return f"app-{number}"


@asynccontextmanager
async def servers(folder: Path, temporal: str) -> AsyncIterator[tuple[int, int, int]]:
    """Ports of our API and of the bare one, and our API's process."""
    url = f"sqlite:///{folder / 'relocate.db'}"
    await asyncio.to_thread(_furnish, url)
    api, metrics, bare = free_ports(3)
    environment = {
        "TEMPORAL_ADDRESS": temporal,
        "RELOCATE_DATABASE_URL": url,
        "RELOCATE_TASK_QUEUE": "bench-accept",
        "RELOCATE_API_PORT": str(api),
        "RELOCATE_METRICS_PORT": str(metrics),
        "RELOCATE_TOKENS": json.dumps([{"name": "bench", "token": TOKEN, "scopes": ["write"]}]),
    }
    processes = Processes(folder, environment)
    try:
        await processes.start("api", own_command("api"))
        await processes.start("bare", [sys.executable, "-m", "tests.bench.bare_api", str(bare)])
        await processes.wait_for("api", lambda: listens(api))
        await processes.wait_for("bare", lambda: listens(bare))
        yield api, bare, processes.named("api").process.pid
    finally:
        await processes.stop()


def _furnish(url: str) -> None:
    """Applications that are placed on a cluster in memory: nobody will look whether they run."""
    prepare(url)
    database = Database.open(url)
    for name in CLUSTERS:
        database.catalogue.put(Cluster(name=name, driver="memory"))
    database.catalogue.put(Gateway(name=site.GATEWAY, adapter="memory"))
    for number in range((BURSTS + 1) * SIZE):
        body = site.application(_name(number)).model_dump(mode="json")
        database.catalogue.put(Application.model_validate({**body, "workloads": {"memory": {}}}))
        database.placements.put(_placement(_name(number)))
    database.close()


def _placement(name: str) -> Placement:
    return Placement(
        application=name,
        cluster=CLUSTERS[0],
        instance=f"{name}-first",
        active=True,
        created_by="bench",
        created_at=datetime.now(UTC),
    )
