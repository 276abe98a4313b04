# SPDX-License-Identifier: Apache-2.0
"""The aggregated discovery service, incremental: one coroutine pair per connected Envoy."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from uuid import uuid4

import grpc
from envoy.service.discovery.v3 import ads_pb2_grpc
from sqlalchemy.exc import SQLAlchemyError

from steering.envoy.conversation import Conversation
from steering.envoy.counts import Counts
from steering.envoy.plan import GatewayPlan
from steering.envoy.topic import Request, Response
from steering.store.batches import Batches
from steering.store.gateways import Connected, Parted, Session, Stand, Told, Word

_LOG = logging.getLogger(__name__)

TICK_SECONDS = 1.0
"""A connection looks at the plan at least this often: clusters that linger have to go some time."""

STORE_RETRY_SECONDS = 0.5

Context = grpc.aio.ServicerContext[Request, Response]
PlanOf = Callable[[str], GatewayPlan | None]
"""The plan of a gateway by name; None while there is none to rely on."""


class Stream:
    """One Envoy's control connection."""

    def __init__(self, session: Session, words: Batches[Word, bool], plan_of: PlanOf, counts: Counts) -> None:
        """Args: session: who is connected; words: where its word is stored; plan_of: what it shall hold; counts: the process's."""
        self.session = session
        self._words = words
        self._plan_of = plan_of
        self._counts = counts
        self._conversation = Conversation(session.instance)
        self._news = asyncio.Event()
        self._said = asyncio.Event()
        self._connected = asyncio.Event()

    def wake(self) -> None:
        """The plan may have changed, or its time may have come."""
        self._news.set()

    def hear(self, request: Request) -> None:
        """Take in one request."""
        if request.HasField("error_detail"):
            self._counts.count_refused(request.type_url)
            _LOG.warning("%s refused %s: %s", self.session, request.type_url, request.error_detail.message)
        self._conversation.hear(request)
        self._said.set()
        self._news.set()

    async def responses(self) -> AsyncIterator[Response]:
        """What to send, for as long as the connection lasts.

        First of all the database learns of the connection, which resets what this instance said earlier: an Envoy that
        starts anew must not pass for the one it was before.
        """
        await self._store(Connected(self.session))
        self._connected.set()
        while True:
            self._news.clear()
            plan = self._plan_of(self.session.gateway)
            if plan is not None:
                for response in self._conversation.say(plan, time.monotonic()):
                    self._counts.count_sent(response.type_url)
                    yield response
                self._said.set()
            await self._news.wait()

    async def record(self) -> None:
        """Store what the instance says, until a newer connection of the same instance takes over.

        While the database cannot be written, what is to be stored waits and is tried again.
        """
        await self._connected.wait()
        while True:
            await self._said.wait()
            self._said.clear()
            changes = self._conversation.take_changes()
            self._log_refusals(changes)
            if changes and not await self._store(Told(self.session, changes)):
                _LOG.warning("%s has another control connection: this one ends", self.session)
                return

    def _log_refusals(self, changes: Mapping[str, Stand]) -> None:
        plan = self._plan_of(self.session.gateway)
        for route, stand in changes.items():
            if stand.rejected:
                known = plan.routes.get(route) if plan is not None else None
                epoch = known.epoch if known is not None and known.version == stand.rejected else ""
                text = "%s refuses version %d of route %s: %s"
                _LOG.warning(text, self.session, stand.rejected, route, stand.reason, extra={"epoch": epoch})

    async def part(self) -> None:
        """The connection ended; tried until it is stored, or an instance that nobody controls would pass for connected."""
        await self._store(Parted(self.session))

    async def _store(self, word: Word) -> bool:
        while True:
            try:
                return await self._words.store(word)
            except SQLAlchemyError as error:
                _LOG.warning("%s: the database cannot be written, will try again: %s", self.session, error)
                await asyncio.sleep(STORE_RETRY_SECONDS)


class AdsServicer(ads_pb2_grpc.AggregatedDiscoveryServiceServicer):  # type: ignore[misc]  # generated code has no types
    """Serves every Envoy that connects to this process."""

    def __init__(
        self,
        words: Batches[Word, bool],
        plan_of: PlanOf,
        *,
        replica: str,
        admit: Callable[[str, str, Context], str | None],
        keep: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        """Make the servicer.

        Args:
            words: where the instances' word is stored; False where a newer connection's counts instead.
            plan_of: what a gateway shall hold.
            replica: this process's id.
            admit: why this gateway's instance may not connect (gateway, instance, context), or None.
            keep: runs what must still be done when a connection has ended.
        """
        self._words = words
        self._plan_of = plan_of
        self._replica = replica
        self._admit = admit
        self._keep = keep
        self.streams: set[Stream] = set()
        self.counts = Counts()

    async def tick(self) -> None:
        """Wake every connection again and again, until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for stream in self.streams:
                stream.wake()

    async def DeltaAggregatedResources(self, requests: AsyncIterator[Request], context: Context) -> None:  # noqa: N802, the service's own name
        """One control connection, from its first request to its end."""
        first = await anext(requests, None)
        if first is None:
            return
        gateway, instance = first.node.cluster, first.node.id
        refusal = self._admit(gateway, instance, context)
        if refusal is not None:
            self.counts.turned_away += 1
            _LOG.warning("refused a control connection: %s", refusal)
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, refusal)
        session = Session(gateway=gateway, instance=instance, id=uuid4().hex, replica=self._replica)
        stream = Stream(session, self._words, self._plan_of, self.counts)
        stream.hear(first)
        self.streams.add(stream)
        self.counts.admitted += 1
        _LOG.info("%s connected", session)
        try:
            await _converse(stream, requests, context)
        finally:
            self.streams.discard(stream)
            self._keep(stream.part())
            _LOG.info("%s disconnected", session)


async def _converse(stream: Stream, requests: AsyncIterator[Request], context: Context) -> None:
    """Read, write and record until one of the three ends."""

    async def read() -> None:
        async for request in requests:
            stream.hear(request)

    async def write() -> None:
        async for response in stream.responses():
            await context.write(response)

    tasks = [asyncio.create_task(part) for part in (read(), write(), stream.record())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
