# SPDX-License-Identifier: Apache-2.0
"""From the order to deploy until B is known to serve, against `kubectl apply` until somebody gets the first 200.

Ours are the product's own activities `deploy`, `await_running` and `gate`, stability 0: they end when the gate has seen the
instance answer through its node port. The reference asks a node port of its own all the time. Both take turns, and each begins
when nothing of the other is left.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import httpx

from tests.bench.kubernetes.by_hand import ByHand
from tests.bench.kubernetes.stage import Stage
from tests.bench.kubernetes.steps import LONG_SECONDS, Steps, steps
from tests.bench.rows import Reach, Row, Times, timed
from tests.drills.waiting import eventually
from tests.e2e.scene import POD, B

NAME = "ready"
LOOK_SECONDS = 0.01
"""Between two questions of the reference."""


async def measure(stage: Stage, rounds: int) -> Sequence[Row]:
    """The row, and where our time goes."""
    stage.tell(f"{NAME}: {rounds} deploys of ours and {rounds} by hand, in turns, after one pair that is not counted")
    by_hand = ByHand(stage, 0, replicas=1)
    try:
        async with steps(stage, stage.application("ready")) as ours:
            found = [await _pair(stage, ours, by_hand, number) for number in range(rounds + 1)]
    finally:
        await by_hand.delete(B)
    times = {name: Times([1000 * one[name] for one in found[1:]]) for name in found[0]}
    return [
        timed(
            NAME,
            "deploy on B until the gate has seen it answer through its NodePort, stability 0, p50",
            times["ready"],
            times["theirs"],
            against="kubectl apply until the first 200 through the NodePort",
            reach=Reach(1.1),
            note=f"of ours: until the driver says that it runs {times['running'].p50:.0f} ms",
        )
    ]


async def _pair(stage: Stage, ours: Steps, by_hand: ByHand, number: int) -> Mapping[str, float]:
    """Seconds of both."""
    return {**await _ours(ours, number), "theirs": await _theirs(stage, by_hand)}


async def _ours(ours: Steps, number: int) -> Mapping[str, float]:
    """Seconds until it runs, and until it is ready."""
    instance, began = f"ready-{number}", time.perf_counter()
    serving = await ours.deploy(B, instance)
    running = time.perf_counter()
    await ours.passes(serving.backend)
    ready = time.perf_counter()
    await ours.remove(B, instance)
    return {"running": running - began, "ready": ready - began}


async def _theirs(stage: Stage, by_hand: ByHand) -> float:
    """Seconds until the first 200."""
    (node, *_) = await stage.nodes(B)
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        group.create_task(by_hand.apply(B))
        first = group.create_task(_first_answer(f"http://{node}:{by_hand.node_port()}/healthz"))
    await by_hand.delete(B)
    await _without_pods(stage)
    return first.result() - began


async def _without_pods(stage: Stage) -> None:
    """Wait until no pod is left: kubectl does not, and whoever comes next would share the node with one that ends."""
    place = stage.places[B]

    async def gone() -> bool:
        return not (await place.edge.api.list(POD, place.namespace)).items

    await eventually(gone, "without pods", LONG_SECONDS)


async def _first_answer(url: str) -> float:
    """When there was one, on a fresh connection."""
    async with asyncio.timeout(LONG_SECONDS):
        while True:
            with suppress(httpx.TransportError):
                async with httpx.AsyncClient(timeout=1.0, trust_env=False) as client:
                    answer = await client.get(url)
                if answer.is_success:
                    return time.perf_counter()
            await asyncio.sleep(LOOK_SECONDS)
