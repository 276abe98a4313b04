# SPDX-License-Identifier: Apache-2.0
"""gRPC, unary and server streams.

Retries are off, transparent ones included: with `grpc.enable_retries` at its default a request that a GOAWAY calls
unprocessed is sent again (measured, grpcio 1.85). Each UE has connections of its own, and after a refused connection
the next attempt comes within 100 ms, gRPC's smallest back-off, so that an outage's length is the gateway's and not the
client's.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import grpc.aio

from relocate.demo.traffic.clients.body import CELL_HEADER, REQUEST_ID_HEADER, checked_answer, read_answer, read_object
from relocate.demo.traffic.clients.contract import Conversation, Life, Requester
from relocate.demo.traffic.ledger import MILLISECOND_NS, Answer, NotRightError, Ticket, failed, wrong
from relocate.demo.traffic.plan import GatewayInstance
from steering.model import SIDE_HEADER

SAY = "/demo.Echo/Say"
WATCH = "/demo.Echo/Watch"


def open_channel(gateway: GatewayInstance) -> grpc.aio.Channel:
    """One UE's channel to one gateway instance."""
    options: list[tuple[str, Any]] = [
        ("grpc.enable_retries", 0),
        ("grpc.enable_http_proxy", 0),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.default_authority", gateway.server_name),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 100),
    ]
    address = f"{gateway.host}:{gateway.port}"
    if gateway.ca_file is None:
        return grpc.aio.insecure_channel(address, options)
    options.append(("grpc.ssl_target_name_override", gateway.server_name))
    credentials = grpc.ssl_channel_credentials(gateway.ca_file.read_bytes())
    return grpc.aio.secure_channel(address, credentials, options)


def _encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


def _metadata(request_id: str, cell: str) -> Sequence[tuple[str, str]]:
    return ((REQUEST_ID_HEADER, request_id), (CELL_HEADER, cell))


def _not_right(error: grpc.aio.AioRpcError) -> NotRightError:
    return failed(f"{error.code().name}: {error.details()}")


def _side(metadata: Any) -> str | None:
    value = metadata.get(SIDE_HEADER) if metadata is not None else None
    return value if isinstance(value, str) else None


class GrpcRequester(Requester):
    """Unary calls of one UE through one gateway instance."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Args: channel: this UE's own."""
        self._channel = channel
        self._say = channel.unary_unary(SAY, request_serializer=_encode, response_deserializer=bytes)

    async def ask(self, ticket: Ticket, cell: str) -> Answer:
        """Call once."""
        call = self._say(
            {"id": ticket.request_id, "cell": cell}, metadata=_metadata(ticket.request_id, cell), wait_for_ready=False
        )
        try:
            body = await call
            return checked_answer(body, ticket.request_id, _side(await call.initial_metadata()))
        except grpc.aio.AioRpcError as error:
            raise _not_right(error) from error
        finally:
            call.cancel()

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()


class GrpcConversation(Conversation):
    """One server stream: the server owes message k of it at k periods after the first was due."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Args: channel: this UE's own; it outlives the stream."""
        self._watch = channel.unary_stream(WATCH, request_serializer=_encode, response_deserializer=bytes)
        self._call: Any = None
        self._life: Life | None = None

    async def open(self, life: Life, cell: str) -> None:
        """Call; an error comes with the first answer."""
        request_id = life.first.request_id
        pace = {"count": life.messages, "every_ms": life.period_ms, "due_ms": life.first.due_ns / MILLISECOND_NS}
        request = {"id": request_id, "cell": cell, **pace}
        self._life = life
        self._call = self._watch(request, metadata=_metadata(request_id, cell), wait_for_ready=False)
        await asyncio.sleep(0)

    async def put(self, ticket: Ticket, cell: str) -> None:
        """It is the server's turn, always."""

    async def answers(self) -> AsyncIterator[tuple[str, Answer]]:
        """Each message answers the slot that it stands for: the stream's first plus its own number."""
        if self._life is None:
            raise failed("the stream is not open")
        first = self._life.first
        stem = first.request_id.removesuffix(str(first.slot))
        try:
            side = _side(await self._call.initial_metadata())
            async for body in self._call:
                value = read_object(body)
                if value.get("id") != first.request_id or not isinstance(value.get("n"), int):
                    raise wrong(f"the message is for request {value.get('id')!r}, number {value.get('n')!r}")
                yield f"{stem}{first.slot + value['n']}", read_answer(value, side)
        except grpc.aio.AioRpcError as error:
            raise _not_right(error) from error

    async def close(self) -> None:
        """Cancel, where the server has not ended it by itself."""
        if self._call is not None:
            self._call.cancel()
