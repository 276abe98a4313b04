# SPDX-License-Identifier: Apache-2.0
"""From a new document to the acknowledgement of each of 100 simulated xDS clients, against a bare push to 100 others.

Ours: `apply`, the control plane process, its rows in the database, and `acknowledged` asked as often as the orchestrator
asks. All clients live in one process of their own. The two ways take turns.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from relocate.activities.steering import looks
from relocate.phases.proof import why_not_acknowledged
from steering.adapters.envoy import EnvoyAdapter
from steering.envoy.settings import GatewaySettings
from steering.model import Acknowledgement, Fence, RouteDocument
from tests.bench.bench import Bench
from tests.bench.raw_push import RawPush, serving
from tests.bench.rows import Reach, Row, Times, timed
from tests.bench.xds_clients import name_of
from tests.envoy.rig import GATEWAY, Rig

NAME = "clients"
COUNT = 100
ROUTE = "bench"
ROUNDS, WARM_UP = 20, 3
ROUND_SECONDS = 30.0


async def measure(bench: Bench) -> Sequence[Row]:
    """The row."""
    bench.tell(f"clients: {COUNT} simulated xDS clients on our control plane, {COUNT} on a bare push")
    with _rig() as rig:
        raw = RawPush(GatewaySettings.model_validate(rig.settings))
        adapter = rig.adapter()
        async with serving(raw) as port, _clients(rig.port("control"), port):
            ours, bare = [], []
            for number in range(ROUNDS + WARM_UP):
                async with asyncio.timeout(2 * ROUND_SECONDS):
                    taken = (
                        await _ours(adapter, _document(rig, number), number),
                        await _raw(raw, _document(rig, number)),
                    )
                if number >= WARM_UP:
                    ours.append(1000 * taken[0])
                    bare.append(1000 * taken[1])
        await adapter.close()
    return [_row(Times(ours), Times(bare))]


def _row(ours: Times, bare: Times) -> Row:
    what = f"a new document applied -> acknowledged by every one of {COUNT} simulated xDS clients, p50"
    against = f"the raw xDS push -> acknowledgement of {COUNT}"
    return timed(NAME, what, ours, bare, against=against, reach=Reach(2.0))


async def _ours(adapter: EnvoyAdapter, document: RouteDocument, number: int) -> float:
    found = await adapter.read(document.route)
    base = None if found is None else found.version
    began = time.perf_counter()
    version = await adapter.apply(document, fence=Fence(lease=1, sequence=number + 1), base=base)
    pause = looks()
    while True:
        answers = await adapter.acknowledged(document.route, version)
        if any(one.state is Acknowledgement.REJECTED for one in answers):
            raise RuntimeError(why_not_acknowledged(answers))
        if why_not_acknowledged(answers) is None and len(answers) == COUNT:
            return time.perf_counter() - began
        await asyncio.sleep(next(pause))


async def _raw(raw: RawPush, document: RouteDocument) -> float:
    began = time.perf_counter()
    await raw.push(document)
    await raw.acknowledged(*(name_of(number) for number in range(COUNT)))
    return time.perf_counter() - began


def _document(rig: Rig, number: int) -> RouteDocument:
    weights = {"a": 100, "b": 0} if number % 2 == 0 else {"a": 0, "b": 100}
    return rig.document(ROUTE, f"epoch-{number}", weights, failover=True)


@contextmanager
def _rig() -> Iterator[Rig]:
    """The product's control plane for a gateway of simulated instances; nobody ever connects to their addresses."""
    addresses = [{"id": name_of(number), "address": {"host": "127.0.0.1", "port": 1}} for number in range(COUNT)]
    rig = Rig(count=0, extra={"instances": addresses})
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


@asynccontextmanager
async def _clients(*ports: int) -> AsyncIterator[None]:
    argv: list[Any] = [sys.executable, "-m", "tests.bench.xds_clients", GATEWAY, COUNT, *ports]
    process = await asyncio.create_subprocess_exec(*map(str, argv), stdin=asyncio.subprocess.PIPE)
    try:
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()
