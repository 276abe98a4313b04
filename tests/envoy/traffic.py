# SPDX-License-Identifier: Apache-2.0
"""Traffic through the rig's Envoys, and waiting for acknowledgements."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from steering.adapters.envoy import EnvoyAdapter
from steering.model import Acknowledgement, InstanceAcknowledgement
from tests.envoy.rig import WAIT_SECONDS, Rig, of, told

WORKERS = 4
"""Requests at once through each Envoy."""
BROKEN_OFF = "closed connection without sending complete message body"
"""What httpx says of an answer that ended before its end."""

Outcomes = Counter[tuple[int | str, str | None, str | None]]


def lost(outcomes: Outcomes) -> Outcomes:
    """Those that are not good answers."""
    return Counter({outcome: number for outcome, number in outcomes.items() if outcome[0] != 200})


def unanswered(outcomes: Outcomes) -> Outcomes:
    """Those lost of which no part of an answer had come, so that the gateway could have asked again.

    Of the others the head was with the user when the rest broke off: an application writes head and body one after
    the other, and may be killed in between.
    """
    return Counter({outcome: number for outcome, number in lost(outcomes).items() if BROKEN_OFF not in str(outcome[0])})


@asynccontextmanager
async def traffic(rig: Rig, route: str, *, workers: int = WORKERS, method: str = "GET") -> AsyncIterator[Outcomes]:
    """Requests over kept connections, `workers` through each Envoy, for as long as the block runs."""
    seen: Outcomes = Counter()
    stop = asyncio.Event()

    async def work(instance: str) -> None:
        async with rig.client() as client:
            while not stop.is_set():
                try:
                    outcome = told(await client.request(method, rig.url(instance), **of(route)))
                except httpx.HTTPError as error:
                    outcome = (repr(error), None, None)
                seen[outcome] += 1

    async with asyncio.TaskGroup() as group:
        for instance in rig.instances:
            for _ in range(workers):
                group.create_task(work(instance))
        try:
            yield seen
        finally:
            stop.set()


async def acknowledged(
    adapter: EnvoyAdapter, route: str, version: str, state: Acknowledgement = Acknowledgement.APPLIED
) -> Sequence[InstanceAcknowledgement]:
    """Wait until every instance is in `state` with this version; returns what they say."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        found = await adapter.acknowledged(route, version)
        if all(one.state is state for one in found):
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.01)


async def serving(rig: Rig, route: str, instance: str, *, epoch: str) -> None:
    """Wait until an instance answers with this epoch."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            async with rig.client() as client:
                found: object = told(await client.get(rig.url(instance), **of(route)))
        except httpx.HTTPError as error:
            found = error
        if isinstance(found, tuple) and (found[0], found[2]) == (200, epoch):
            return
        assert time.monotonic() < deadline, f"{instance}: {found}"
        await asyncio.sleep(0.02)
