# SPDX-License-Identifier: Apache-2.0
"""Sends the safe request over HTTP/1.1 through one gateway instance."""

import asyncio
import contextlib
import ssl
from collections.abc import Collection

import httpx

from readiness.answers import because, shortened
from readiness.connection import Connection
from readiness.tls import context
from relocate.model.application import Watch
from relocate.prober.judgement import of_http
from relocate.prober.records import Answer, Result
from steering.model import EPOCH_HEADER, SIDE_HEADER, ProbePoint

PREPARATION_SECONDS = 0.5


class HttpSender:
    """One vantage over HTTP/1.1: no retries, no redirects, no cookies, no proxy."""

    def __init__(self, watch: Watch, point: ProbePoint, sides: Collection[str] | None) -> None:
        """Args: watch: the request; point: the gateway instance; sides: which may answer, None for any that is named."""
        self._timeout = watch.timeout_seconds
        self._sides = sides
        self._url = httpx.URL(f"{'https' if point.tls else 'http'}://{point.endpoint}{watch.path}")
        self._server_name = point.server_name
        self._headers = [("host", point.server_name), ("user-agent", "relocate-prober"), ("accept", "*/*")]
        trust = context(point.ca_file if point.tls else None, "http/1.1")
        # A connection that idles longer than this is not taken again: the gateway may be about to close it.
        idle = 4 * watch.period_seconds + 1
        self._kept = _transport(httpx.Limits(max_connections=None, keepalive_expiry=idle), trust)
        self._fresh = _transport(httpx.Limits(max_connections=None, max_keepalive_connections=0), trust)

    async def prepare(self) -> None:
        """Send once without telling: the first request pays for imports and connections, and is no measurement."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PREPARATION_SECONDS):
                await self.send(fresh=False)

    async def send(self, *, fresh: bool) -> Answer:
        """Send the request once and judge what comes back within the time-out."""
        connection = Connection()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(self._fresh if fresh else self._kept, connection)
        except (TimeoutError, httpx.TimeoutException):
            words = f"no answer within {self._timeout:g} s"
        except (httpx.HTTPError, OSError) as error:
            words = shortened(f"{type(error).__name__}: {because(error)}")
        await connection.abandon()
        return Answer(Result.FAILED, words, fresh=connection.made)

    async def _exchange(self, transport: httpx.AsyncHTTPTransport, connection: Connection) -> Answer:
        extensions = {"trace": connection.trace, "sni_hostname": self._server_name}
        # Straight to the transport: what httpx's client adds (redirects, cookies, hooks) is not wanted, and costs.
        response = await transport.handle_async_request(
            httpx.Request("GET", self._url, headers=self._headers, extensions=extensions)
        )
        try:
            async for _ in response.aiter_raw():
                pass
        finally:
            await response.aclose()
        side = shortened(response.headers.get(SIDE_HEADER, ""), 64)
        epoch = shortened(response.headers.get(EPOCH_HEADER, ""), 128)
        result = of_http(response.status_code, side, self._sides)
        return Answer(result, str(response.status_code), side, epoch, connection.made)

    async def close(self) -> None:
        """Close what is kept."""
        await self._kept.aclose()
        await self._fresh.aclose()


def _transport(limits: httpx.Limits, trust: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(verify=trust, limits=limits, trust_env=False, retries=0)
