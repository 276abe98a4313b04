# SPDX-License-Identifier: Apache-2.0
"""The gRPC side: service `demo.Echo`, and grpc.health.v1.

Messages are JSON objects, which gRPC allows: no generated code stands here that could disagree with the installed
protobuf runtime. A client needs the method paths and `encode`, `decode`::

    say = channel.unary_unary(SAY, request_serializer=encode, response_deserializer=decode)
    await say({"id": "1", "cell": "cell-a"})                             # {"id": "1", "instance": ..., "cluster": ...}
    watch = channel.unary_stream(WATCH, request_serializer=encode, response_deserializer=decode)
    watch({"id": "2", "count": 10, "every_ms": 100})                     # ten of {"id": "2", "n": 0..9, ...}

With `due_ms` (milliseconds since 1970) a stream is paced from when its first message was due, not from the call: a call
that came late then makes one message late, not all of them.

A client that speaks nothing but protobuf has `PING`: google.protobuf.Empty in and out, the id as metadata
`x-request-id`.
"""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from relocate.demo.app.life import Life, Refused

SERVICE = "demo.Echo"
SAY = f"/{SERVICE}/Say"
WATCH = f"/{SERVICE}/Watch"
PING = f"/{SERVICE}/Ping"

Message = dict[str, Any]
Context = grpc.aio.ServicerContext[Message, Message]

MOST_MESSAGES = 1_000_000
LONGEST_PAUSE_MS = 60_000


def encode(message: Message) -> bytes:
    """The bytes of one message."""
    return json.dumps(message).encode()


def decode(content: bytes) -> Message:
    """The message in `content`; ValueError when it is no JSON object."""
    message = json.loads(content)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")  # noqa: TRY004 - gRPC and callers catch one kind of error
    return message


class Echo:
    """The service `demo.Echo`."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._who = {"instance": life.settings.instance, "cluster": life.settings.cluster}
        self._metadata = tuple((f"x-{name}", value) for name, value in self._who.items())

    def handlers(self) -> grpc.GenericRpcHandler:
        """What a server needs to serve it."""
        say = grpc.unary_unary_rpc_method_handler(self.say, decode, encode)
        watch = grpc.unary_stream_rpc_method_handler(self.watch, decode, encode)
        ping: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self.ping)
        return grpc.method_handlers_generic_handler(SERVICE, {"Say": say, "Watch": watch, "Ping": ping})

    async def say(self, request: Message, context: Context) -> Message:
        """Answer one message with its `id` and who answered."""
        context.set_trailing_metadata(self._metadata)
        try:
            self._life.admit()
            await self._life.travel(str(request.get("cell", "")))
        except Refused as refused:
            await _abort(context, refused)
        self._life.answers.note(str(request.get("id") or ""))
        return self._who | {"id": request.get("id")}

    async def ping(self, _: bytes, context: Context) -> bytes:
        """Answer nothing to nothing; who answered is in the trailing metadata."""
        metadata = dict(context.invocation_metadata() or ())
        await self.say({"id": metadata.get("x-request-id"), "cell": metadata.get("x-ue-cell", "")}, context)
        return b""

    async def watch(self, request: Message, context: Context) -> AsyncIterator[Message]:
        """Answer with `count` messages, one every `every_ms`, numbered `n` from 0."""
        context.set_trailing_metadata(self._metadata)
        try:
            count, pause, late = _watched(request)
            self._life.admit()
            began = time.monotonic() - late
            for number in range(count):
                # Paced from the stream's start, so that what one message took does not put off the next.
                await self._life.rest(max(0.0, began + number * pause - time.monotonic()))
                await self._life.travel(str(request.get("cell", "")))
                yield self._who | {"id": request.get("id"), "n": number}
        except ValueError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Refused as refused:
            await _abort(context, refused)


def _watched(request: Message) -> tuple[int, float, float]:
    """How many messages are wanted, the seconds between them, and how late the call is: a period at most."""
    count, every, due = request.get("count", 1), request.get("every_ms", 100), request.get("due_ms")
    if not isinstance(count, int) or not 1 <= count <= MOST_MESSAGES:
        raise ValueError(f"count: must be a whole number from 1 to {MOST_MESSAGES}")
    if not isinstance(every, int | float) or not 1 <= every <= LONGEST_PAUSE_MS:
        raise ValueError(f"every_ms: must be a number from 1 to {LONGEST_PAUSE_MS}")
    if due is not None and not isinstance(due, int | float):
        raise ValueError("due_ms: must be a number, milliseconds since 1970")
    late_ms = 0.0 if due is None else min(max(0.0, 1000 * time.time() - due), every)
    return count, every / 1000, late_ms / 1000


async def _abort(context: Context, refused: Refused) -> None:
    status = grpc.StatusCode.UNAVAILABLE if refused.unavailable else grpc.StatusCode.INTERNAL
    await context.abort(status, str(refused))


class Health:
    """What grpc.health.v1 says about this instance as a whole and about `demo.Echo`."""

    def __init__(self) -> None:
        self.servicer = health.aio.HealthServicer()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve it."""
        health_pb2_grpc.add_HealthServicer_to_server(self.servicer, server)

    async def say(self, *, serving: bool) -> None:
        """Set both answers, and tell who watches."""
        answer = health_pb2.HealthCheckResponse
        status = answer.SERVING if serving else answer.NOT_SERVING
        for service in ("", SERVICE):
            await self.servicer.set(service, status)
