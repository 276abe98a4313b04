# SPDX-License-Identifier: Apache-2.0
"""The HTTP side: a small ASGI application for requests over HTTP/1.1 and HTTP/2, and for WebSockets.

===================  ==========================================================================================
`/whoami`            the safe request: who answered
`/work?ms=N`         the same, N milliseconds later
`/healthz`           200 when new work is welcome, 503 while warming up or draining
`/ws`                WebSocket: each JSON message is answered with its `id` and who answered
`POST /fault?...`    breaks something on purpose, see `faults`; a real application has no such thing
===================  ==========================================================================================

A request's `x-request-id` comes back, in the body and as a header, so that the caller can prove that this answer
belongs to this request. `x-ue-cell` says where the UE is.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from relocate.demo.app.faults import BadFault, inject
from relocate.demo.app.life import Life, Refused

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

GOING_AWAY = 1001
"""WebSocket close code of a server that goes down (RFC 6455, 7.4.1)."""


class Web:
    """The ASGI application."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._who = {"instance": life.settings.instance, "cluster": life.settings.cluster}
        self._who_headers = [(f"x-{name}".encode(), value.encode()) for name, value in self._who.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one WebSocket, or the server's own start and end."""
        if scope["type"] == "http":
            await self._serve_request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_socket(scope, receive, send)
        else:
            await _serve_lifespan(receive, send)

    async def _serve_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        status, body = await self._answer(scope, headers)
        request = headers.get(b"x-request-id", "")
        content = json.dumps(self._who | {"id": request, "protocol": scope["http_version"]} | body).encode()
        await send({"type": "http.response.start", "status": status, "headers": self._headers(scope, request, content)})
        await send({"type": "http.response.body", "body": content})
        if status == HTTPStatus.OK:
            self._life.answers.note(request)

    def _headers(self, scope: Scope, request: str, content: bytes) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
            (b"x-request-id", request.encode("latin-1")),
            *self._who_headers,
        ]
        if self._life.draining.is_set() and scope["http_version"] == "1.1":
            headers.append((b"connection", b"close"))
        return headers

    async def _answer(self, scope: Scope, headers: Mapping[bytes, str]) -> tuple[int, dict[str, Any]]:
        path = scope["path"]
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if path == "/healthz":
            unhealthy = self._life.unhealthy
            return (503 if unhealthy else 200), {"status": unhealthy or "serving"}
        if path == "/fault":
            return self._fault(scope["method"], query)
        try:
            self._life.admit()
            return await self._work(path, query, headers.get(b"x-ue-cell", ""))
        except Refused as refused:
            return (503 if refused.unavailable else 500), {"error": str(refused)}

    async def _work(self, path: str, query: Mapping[str, str], cell: str) -> tuple[int, dict[str, Any]]:
        if path == "/work":
            text = query.get("ms", "")
            if not text.isdecimal():
                return 400, {"error": "ms: must be a whole number of milliseconds, for example /work?ms=100"}
            await self._life.rest(int(text) / 1000)
        elif path != "/whoami":
            return 404, {"error": f"{path}: there are /whoami, /work, /healthz, /ws and /fault"}
        await self._life.travel(cell)
        return 200, {"cell": cell}

    def _fault(self, method: str, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        if method != "POST":
            return 405, {"error": "a fault is asked for by POST"}
        try:
            inject(self._life, query)
        except BadFault as error:
            return 400, {"error": str(error)}
        return 200, {"fault": dict(query)}

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if scope["path"] != "/ws":
            await self._refuse_socket(404, "WebSockets are at /ws", send)
            return
        try:
            self._life.admit()
        except Refused as refused:
            await self._refuse_socket(503 if refused.unavailable else 500, str(refused), send)
            return
        await send({"type": "websocket.accept", "headers": self._who_headers})
        closer = asyncio.create_task(self._close_when_cut(send))
        try:
            await self._converse(scope, receive, send)
        finally:
            closer.cancel()

    async def _refuse_socket(self, status: int, reason: str, send: Send) -> None:
        content = json.dumps(self._who | {"error": reason}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
            *self._who_headers,
        ]
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": content})

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        cell = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-ue-cell"), "")
        while (event := await receive())["type"] == "websocket.receive":
            try:
                message = json.loads(event.get("text") or event.get("bytes") or "")
                answer = self._who | {"id": message["id"]}
                await self._life.travel(str(message.get("cell", cell)))
            except (ValueError, TypeError, KeyError):
                answer = self._who | {"error": 'a message is a JSON object with an "id", and a "cell" if it differs'}
            except Refused:
                return
            await send({"type": "websocket.send", "text": json.dumps(answer)})

    async def _close_when_cut(self, send: Send) -> None:
        await self._life.cut.wait()
        await send({"type": "websocket.close", "code": GOING_AWAY, "reason": "this instance ends"})


async def _serve_lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
