# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 and HTTP/2, on httpx transports: no redirects, no cookies, no proxies from the environment, no retries."""

import ssl
from dataclasses import dataclass
from typing import Any

import httpx

from relocate.demo.traffic.clients.body import CELL_HEADER, REQUEST_ID_HEADER, checked_answer
from relocate.demo.traffic.clients.contract import Requester
from relocate.demo.traffic.ledger import Answer, NotRightError, Ticket, failed, wrong
from relocate.demo.traffic.plan import Flow, GatewayInstance, Protocol
from steering.model import SIDE_HEADER

OK = 200
SERVER_ERROR = 500


class _SentOnce:
    """Lets one request leave once.

    httpcore sends a request again on a new connection when the gateway's GOAWAY says that it was not processed, also
    with `retries=0` (httpcore 1.0.9, `AsyncConnectionPool.handle_async_request`). It calls this before each sending.
    """

    def __init__(self) -> None:
        self._sent = False

    async def __call__(self, name: str, _info: dict[str, Any]) -> None:
        if name.endswith(".send_request_headers.started"):
            if self._sent:
                raise failed("the gateway refused it by GOAWAY; it is not sent again")
            self._sent = True


@dataclass
class _Line:
    """A transport, and how many requests are open on it."""

    transport: httpx.AsyncHTTPTransport
    open: int = 0


class HttpRequester(Requester):
    """One UE's HTTP connections to one gateway instance."""

    def __init__(self, gateway: GatewayInstance, flow: Flow, tls: ssl.SSLContext | None) -> None:
        """Args: gateway: where to; flow: protocol, path and connections; tls: trust, None for no TLS."""
        scheme = "https" if tls else "http"
        self._url = httpx.URL(f"{scheme}://{gateway.host}:{gateway.port}{flow.path}")
        self._host = gateway.server_name
        self._http2 = flow.protocol is Protocol.HTTP2
        self._tls = tls
        self._fresh_every = 0 if self._http2 else flow.fresh_every
        self._connections = 1 if self._http2 else flow.connections
        self._line = _Line(self._new_transport(self._connections))

    def _new_transport(self, connections: int) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=None)
        return httpx.AsyncHTTPTransport(
            verify=self._tls or False,
            http1=not self._http2,
            http2=self._http2,
            limits=limits,
            retries=0,
            trust_env=False,
        )

    async def ask(self, ticket: Ticket, cell: str) -> Answer:
        """Send one request, now and then over a connection of its own."""
        request = httpx.Request(
            "GET",
            self._url,
            headers={"host": self._host, REQUEST_ID_HEADER: ticket.request_id, CELL_HEADER: cell},
            extensions={"sni_hostname": self._host, "trace": _SentOnce()},
        )
        if self._fresh_every and ticket.slot % self._fresh_every == self._fresh_every - 1:
            async with self._new_transport(1) as fresh:
                return await self._exchange(fresh, request, ticket.request_id)
        line = self._line
        line.open += 1
        try:
            return await self._exchange(line.transport, request, ticket.request_id)
        except BaseException as error:
            if not isinstance(error, NotRightError) or isinstance(error.__cause__, httpx.HTTPError):
                self._leave(line)
            raise
        finally:
            line.open -= 1
            if line is not self._line and not line.open:
                await line.transport.aclose()

    def _leave(self, line: "_Line") -> None:
        """Go on over new connections: these may never answer again.

        httpcore 1.0.9 loses count of a connection's streams, and of a pool's places, when a request is cancelled at its
        time-out ("semaphore released too many times"); measured: one time-out on a busy machine, and no answer for the
        next 37 s over HTTP/2, 44 s over HTTP/1.1.
        """
        if line is self._line:
            self._line = _Line(self._new_transport(self._connections))

    async def _exchange(self, transport: httpx.AsyncHTTPTransport, request: httpx.Request, request_id: str) -> Answer:
        try:
            response = await transport.handle_async_request(request)
            try:
                body = await response.aread()
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise failed(f"{type(error).__name__}: {error}") from error
        if response.status_code >= SERVER_ERROR:
            raise failed(f"status {response.status_code}")
        if response.status_code != OK:
            raise wrong(f"status {response.status_code}")
        return checked_answer(body, request_id, response.headers.get(SIDE_HEADER))

    async def close(self) -> None:
        """Close the connections."""
        await self._line.transport.aclose()
