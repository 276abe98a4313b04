# SPDX-License-Identifier: Apache-2.0
"""A bare xDS push: the delta conversation on a gRPC server, with no database and no other process behind it.

It is what the product's way from a document to an acknowledgement is compared with. It says the same messages, as both
speak through `steering.envoy.conversation`.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
from envoy.service.discovery.v3 import ads_pb2_grpc

from steering.envoy.conversation import Conversation
from steering.envoy.plan import GatewayPlan, plan_gateway
from steering.envoy.settings import GatewaySettings
from steering.model import Fence, RouteDocument
from steering.store.routes import StoredRoute

TICK_SECONDS = 1.0
"""As the product's streams: a connection looks at the plan at least this often."""


class RawPush(ads_pb2_grpc.AggregatedDiscoveryServiceServicer):  # type: ignore[misc]  # generated code has no types
    """Serves one gateway with one route from memory."""

    def __init__(self, settings: GatewaySettings) -> None:
        """Args: settings: of the gateway."""
        self._settings = settings
        self._plan: GatewayPlan | None = None
        self._news: set[asyncio.Event] = set()
        self._applied: dict[str, int] = {}
        self._heard = asyncio.Condition()
        self.version = 0

    async def push(self, document: RouteDocument) -> None:
        """Send a document to everybody; rendering it counts, as it does in the product."""
        self.version += 1
        stored = StoredRoute(document.route, self.version, Fence(lease=1, sequence=self.version), document)
        self._plan = plan_gateway(self._settings, {document.route: stored}, {}, datetime.now(UTC))
        for news in self._news:
            news.set()

    async def acknowledged(self, *instances: str) -> None:
        """Wait until these instances have applied what was pushed last."""
        async with self._heard:
            await self._heard.wait_for(lambda: all(self._applied.get(one, 0) >= self.version for one in instances))

    async def DeltaAggregatedResources(self, requests: AsyncIterator[Any], context: Any) -> None:  # noqa: N802 - its name
        """One control connection."""
        first = await anext(requests)
        conversation, news, instance = Conversation(first.node.id), asyncio.Event(), first.node.id
        conversation.hear(first)
        self._news.add(news)
        writer = asyncio.create_task(self._say(conversation, news, context))
        try:
            async for request in requests:
                conversation.hear(request)
                await self._note(instance, conversation)
                news.set()
        finally:
            self._news.discard(news)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _say(self, conversation: Conversation, news: asyncio.Event, context: Any) -> None:
        while True:
            news.clear()
            if self._plan is not None:
                for response in conversation.say(self._plan, time.monotonic()):
                    await context.write(response)
            try:
                await asyncio.wait_for(news.wait(), TICK_SECONDS)
            except TimeoutError:
                continue

    async def _note(self, instance: str, conversation: Conversation) -> None:
        changes = conversation.take_changes()
        if not changes:
            return
        async with self._heard:
            self._applied[instance] = max(stand.applied for stand in changes.values())
            self._heard.notify_all()


@asynccontextmanager
async def serving(raw: RawPush) -> AsyncIterator[int]:
    """Listen on a free port of loopback; the port."""
    server = grpc.aio.server()
    ads_pb2_grpc.add_AggregatedDiscoveryServiceServicer_to_server(raw, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(grace=None)
