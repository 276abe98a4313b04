# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1: kept connections, and a fresh one now and then. No redirects, no cookies, no proxies, no retries."""

import asyncio
import math
import ssl

import h11

from readiness.http1 import Line, Lines, NoAnswer, Response
from relocate.demo.traffic.clients.body import CELL_HEADER, REQUEST_ID_HEADER, checked_response
from relocate.demo.traffic.clients.contract import Requester
from relocate.demo.traffic.ledger import Answer, Ticket, failed
from relocate.demo.traffic.plan import Flow, GatewayInstance
from steering.model import SIDE_HEADER


class Http1Requester(Requester):
    """One UE's HTTP/1.1 connections to one gateway instance."""

    def __init__(self, gateway: GatewayInstance, flow: Flow, tls: ssl.SSLContext | None) -> None:
        """Args: gateway: where to; flow: path and connections; tls: trust, None for no TLS."""
        self._path = flow.path
        self._host = gateway.server_name
        self._fresh_every = flow.fresh_every
        self._places = asyncio.Semaphore(flow.connections)
        self._lines = Lines(gateway.host, gateway.port, tls, gateway.server_name, idle_seconds=math.inf)

    async def ask(self, ticket: Ticket, cell: str) -> Answer:
        """Send one request, now and then over a connection of its own; it waits while all connections are in use."""
        request = h11.Request(
            method="GET",
            target=self._path,
            headers=[("host", self._host), (REQUEST_ID_HEADER, ticket.request_id), (CELL_HEADER, cell)],
        )
        try:
            response = await self._sent(request, fresh=self._is_fresh(ticket.slot))
        except (OSError, NoAnswer, h11.RemoteProtocolError) as error:
            raise failed(f"{type(error).__name__}: {error}") from error
        side = response.headers.get(SIDE_HEADER)
        return checked_response(response.status, response.body, ticket.request_id, side)

    def _is_fresh(self, slot: int) -> bool:
        return bool(self._fresh_every) and slot % self._fresh_every == self._fresh_every - 1

    async def _sent(self, request: h11.Request, *, fresh: bool) -> Response:
        if fresh:
            line = await self._lines.open()
            try:
                return await line.ask(request)
            finally:
                line.close()
        async with self._places:
            line = self._lines.take() or await self._lines.open()
            return await self._kept(line, request)

    async def _kept(self, line: Line, request: h11.Request) -> Response:
        try:
            response = await line.ask(request)
        except BaseException:
            line.close()
            raise
        self._lines.keep(line)
        return response

    async def close(self) -> None:
        """Close the connections."""
        self._lines.close()
