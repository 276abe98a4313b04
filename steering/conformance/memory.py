# SPDX-License-Identifier: Apache-2.0
"""The harness of the memory adapter: the shortest example of one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from steering.adapters.memory import MemoryAdapter
from steering.conformance.harness import ConformanceHarness, Reply, Stream
from steering.memory import MemoryGateway
from steering.model import Backend, Endpoint, Fence, RouteDocument

GATEWAY = "conformance"
OTHER = "taken"
"""A route, and the host that belongs to it."""

_FENCE = Fence(lease=1, sequence=1)


class _Stream(Stream):
    def __init__(self, side: str) -> None:
        self.side = side

    async def ask(self) -> str:
        return self.side


class MemoryHarness(ConformanceHarness):
    """Two instances, everything offered."""

    name = "memory"

    def start(self) -> None:
        """A fresh gateway."""
        MemoryGateway.forget(GATEWAY)

    def adapter(self) -> MemoryAdapter:
        """One that shares the gateway with all others."""
        return MemoryAdapter.open(GATEWAY, {"latency_seconds": 0.005}, database_url="")

    def instances(self) -> tuple[str, ...]:
        """The two that the settings make."""
        return tuple(self._gateway.instances())

    def backends(self) -> tuple[Backend, Backend]:
        """Two names; nothing listens."""
        a, b = (
            Backend(name=name, instance=f"{name}-1", endpoints={"http": (Endpoint(host="127.0.0.1", port=port),)})
            for port, name in ((9, "a"), (10, "b"))
        )
        return a, b

    async def request(self, instance: str, document: RouteDocument, *, token: str | None = None) -> Reply:
        """Answered by what the instance has applied."""
        await asyncio.sleep(0)
        try:
            answer = self._gateway.answer(instance, document.route, token=token)
        except OSError as error:
            return Reply(error=str(error))
        return Reply(side=answer.side, epoch=answer.epoch, answered_by=self._listening(document, answer.side))

    def stream(self, instance: str, document: RouteDocument) -> AbstractAsyncContextManager[Stream]:
        """Stays where it began."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Stream]:
            side = self._gateway.open_stream(instance, document.route).side
            try:
                yield _Stream(side)
            finally:
                self._gateway.close_stream(instance, document.route, side)

        return opened()

    def poison(self, document: RouteDocument) -> RouteDocument:
        """A document for a host of another route, which this gateway refuses at once."""
        self._gateway.write(OTHER, document.model_copy(update={"route": OTHER, "hosts": (OTHER,)}), _FENCE, None)
        return document.model_copy(update={"hosts": (OTHER,)})

    def cut_off(self, instance: str) -> AbstractAsyncContextManager[None]:
        """Deaf for a while."""

        @asynccontextmanager
        async def cut() -> AsyncIterator[None]:
            self._gateway.cut(instance)
            try:
                yield
            finally:
                self._gateway.heal(instance)

        return cut()

    def uncounted(self, instance: str) -> AbstractAsyncContextManager[None]:
        """Without counters for a while."""

        @asynccontextmanager
        async def hidden() -> AsyncIterator[None]:
            self._gateway.uncounted.add(instance)
            try:
                yield
            finally:
                self._gateway.uncounted.discard(instance)

        return hidden()

    def _listening(self, document: RouteDocument, side: str) -> str:
        """Who listens where a side's instance was last said to be."""
        moved = self._gateway.moved.get(next(one.instance for one in document.backends if one.name == side))
        return next((one.name for one in self.backends() if one.endpoints == moved), side)

    @property
    def _gateway(self) -> MemoryGateway:
        return self.adapter().gateway
