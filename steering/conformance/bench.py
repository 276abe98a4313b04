# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
# These are tests: assert is how they speak.
"""What a case works with: one route of its own on the harness's gateway, and traffic through it."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import Any

import pytest

from steering.conformance.harness import ConformanceHarness, Reply
from steering.contract import SteeringAdapter
from steering.model import Acknowledgement, Fence, InstanceAcknowledgement, ProbePath, RouteDocument, Version

POLL_SECONDS = 0.01
PROBE_LIFE = timedelta(minutes=5)


@dataclass
class Traffic:
    """What came back while traffic ran."""

    replies: list[Reply] = field(default_factory=list)

    @property
    def errors(self) -> list[str]:
        """Why replies were not good."""
        return [reply.error for reply in self.replies if reply.error is not None]


class Bench:
    """One case's route and tools."""

    def __init__(self, harness: ConformanceHarness, adapter: SteeringAdapter, measured: dict[str, Any]) -> None:
        """Args: harness: the gateway; adapter: opened for this case; measured: what the report shall show."""
        self.harness = harness
        self.adapter = adapter
        self.measured = measured
        self.route = harness.new_route()
        self.a, self.b = harness.backends()
        self._sequence = 0

    def run(self, case: Coroutine[Any, Any, None]) -> None:
        """Run a case to its end, and close the adapter."""

        async def whole() -> None:
            try:
                await case
            finally:
                await self.adapter.close()

        asyncio.run(whole())

    def document(self, shares: tuple[int, ...] = (100, 0), **changes: Any) -> RouteDocument:
        """A document with both sides, or only A for `(100,)`; every call has an epoch of its own."""
        sides = (self.a, self.b)[: len(shares)]
        values: dict[str, Any] = {
            "route": self.route,
            "application": self.route,
            "hosts": self.harness.hosts(self.route),
            "ports": self.harness.ports,
            "backends": sides,
            "weights": {side.name: weight for side, weight in zip(sides, shares, strict=True)},
            "epoch": token_urlsafe(9),
        }
        return RouteDocument(**values | changes)

    def probe_path(self) -> ProbePath:
        """A fresh probe path to B."""
        return ProbePath(backend=self.b.name, token=token_urlsafe(18), expires_at=datetime.now(UTC) + PROBE_LIFE)

    def fence(self) -> Fence:
        """A fence above all before it."""
        self._sequence += 1
        return Fence(lease=1, sequence=self._sequence)

    async def write(self, document: RouteDocument, base: Version | None) -> Version:
        """Apply under a new fence, and wait until every instance says that it did."""
        version = await self.adapter.apply(document, fence=self.fence(), base=base)
        await self.live(version)
        return version

    async def live(self, version: Version) -> None:
        """Wait until every instance says that it applied `version`."""
        told = await self.told(
            version, lambda all_of_them: all(one.state is Acknowledgement.APPLIED for one in all_of_them)
        )
        assert {one.state for one in told} == {Acknowledgement.APPLIED}, f"not acknowledged in time: {told}"

    async def told(self, version: Version, until: Any) -> Sequence[InstanceAcknowledgement]:
        """Ask for acknowledgements until they satisfy `until`, or the harness's time is up."""
        deadline = time.monotonic() + self.harness.settle_seconds
        while True:
            told = await self.adapter.acknowledged(self.route, version)
            if until(told) or time.monotonic() > deadline:
                return told
            await asyncio.sleep(POLL_SECONDS)

    async def ask(self, instance: str, document: RouteDocument, *, token: str | None = None) -> Reply:
        """One request; the case is skipped if the harness offers no traffic."""
        reply = await self.harness.request(instance, document, token=token)
        if reply is None:
            pytest.skip("the harness offers no traffic")
        return reply

    async def serves(self, document: RouteDocument, *, token: str | None = None) -> None:
        """Wait until the data plane answers well through every instance: an acknowledgement does not say warm."""
        deadline = time.monotonic() + self.harness.settle_seconds
        for instance in self.harness.instances():
            reply = await self.ask(instance, document, token=token)
            while reply.error is not None and time.monotonic() < deadline:
                await asyncio.sleep(POLL_SECONDS)
                reply = await self.ask(instance, document, token=token)
            assert reply.error is None, f"{instance}: {reply.error}"

    @asynccontextmanager
    async def traffic(self, document: RouteDocument, *, workers: int = 4) -> AsyncIterator[Traffic]:
        """Requests through every instance, by `workers` each, for as long as the block runs."""
        seen, stop = Traffic(), asyncio.Event()

        async def work(instance: str) -> None:
            while not stop.is_set():
                seen.replies.append(await self.ask(instance, document))
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for instance in self.harness.instances():
                for _ in range(workers):
                    group.create_task(work(instance))
            try:
                yield seen
            finally:
                stop.set()
