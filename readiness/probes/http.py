# SPDX-License-Identifier: Apache-2.0
"""The http probe: one request on one fresh connection, judged by status, headers and body."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

import h11
import httpx
from pydantic import Field

from readiness.answers import because, bounded, not_yet, ready
from readiness.connecting import connected
from readiness.connection import Connection
from readiness.contract import Probe
from readiness.http1 import Line, NoAnswer
from readiness.model import Target, Verdict
from readiness.probes.http_expectation import Expectation
from readiness.settings import Settings, checked
from readiness.tls import context

UNQUOTED = "/:?@!$&'()*+,;=%-._~"
"""What a path and its query may hold as it is (RFC 3986, 3.3 and 3.4); what is quoted already stays so."""
LARGEST_BODY = 65536
"""Bytes of the body that are read and judged; a health page is smaller, and a pattern over more may take long."""

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$", max_length=4096)]


class HttpSettings(Settings):
    """What is asked, and what the answer must look like. TLS, names and tokens come from the target."""

    method: str = Field(default="GET", pattern=r"^[A-Z]{1,16}$")
    path: str = Field(default="/", pattern=r"^/[!-~]*$", max_length=2048)
    """Path and query."""
    protocol: Literal["http1", "http2"] = "http1"
    """`http2` without TLS is spoken at once (prior knowledge)."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict, max_length=32)
    """Request headers beside the target's, which win."""
    expect: Expectation = Expectation()
    observe_headers: tuple[HeaderName, ...] = Field(default=(), max_length=32)
    """Response headers to keep in the verdict."""


class HttpProbe(Probe):
    """Ready when the answer is as expected. Follows no redirect, uses no proxy, trusts no environment variable."""

    def __init__(self, settings: HttpSettings) -> None:
        """Args: settings: what is asked and expected."""
        self._settings = settings

    @classmethod
    def open(cls, settings: Mapping[str, object]) -> Self:
        """Make the probe; see `HttpSettings`."""
        return cls(checked("http", HttpSettings, settings))

    async def check(self, target: Target, *, timeout: float) -> Verdict:
        """Send the request and judge the answer."""
        second = self._settings.protocol == "http2"
        return await bounded(self._ask_http2(target, timeout) if second else self._ask(target), timeout)

    async def _ask(self, target: Target) -> Verdict:
        trust = context(target.ca_file, "http/1.1") if target.tls else None
        most = LARGEST_BODY if self._settings.expect.reads_body else 0
        try:
            headers = self._headers(target)
            headers.setdefault("host", f"{_host(target)}:{target.port}")
            path = quote(self._settings.path, safe=UNQUOTED)
            request = h11.Request(method=self._settings.method, target=path, headers=headers.raw)
            connection = await connected(target.host, target.port)
            line = await Line.over(connection, trust, target.server_name or target.host)
            try:
                answer = await line.ask(request, most=most)
            finally:
                line.close()
        except (OSError, h11.ProtocolError, NoAnswer, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            return not_yet(f"{target.host} port {target.port}: {because(error)}")
        response = httpx.Response(answer.status, headers=list(answer.fields))
        return self._judged(response, answer.body, self._observed(response))

    async def _ask_http2(self, target: Target, timeout: float) -> Verdict:
        connection = Connection()
        try:
            async with httpx.AsyncClient(
                transport=self._transport(target), trust_env=False, follow_redirects=False, timeout=timeout
            ) as client:
                return await self._exchange(client, target, connection)
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return not_yet(f"{target.host} port {target.port}: {because(error)}")
        finally:
            await connection.abandon()

    def _transport(self, target: Target) -> httpx.AsyncHTTPTransport:
        trust = context(target.ca_file if target.tls else None, "h2")
        return httpx.AsyncHTTPTransport(verify=trust, http1=False, http2=True, trust_env=False)

    async def _exchange(self, client: httpx.AsyncClient, target: Target, connection: Connection) -> Verdict:
        url = f"{'https' if target.tls else 'http'}://{_host(target)}:{target.port}{self._settings.path}"
        extensions: dict[str, Any] = {"trace": connection.trace}
        if target.server_name:
            extensions["sni_hostname"] = target.server_name
        async with client.stream(
            self._settings.method, url, headers=self._headers(target), extensions=extensions
        ) as response:
            observed = self._observed(response)
            if not self._settings.expect.reads_body:
                return self._judged(response, b"", observed)
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LARGEST_BODY:
                    break
            return self._judged(response, body, observed)

    def _headers(self, target: Target) -> httpx.Headers:
        headers = httpx.Headers({"user-agent": "relocate-probe", "accept": "*/*", "accept-encoding": "identity"})
        if self._settings.protocol == "http1":
            headers["connection"] = "close"
        if target.server_name:
            headers["host"] = target.server_name
        headers.update(self._settings.headers)
        headers.update(dict(target.headers))
        return headers

    def _observed(self, response: httpx.Response) -> dict[str, str]:
        wanted = (name.lower() for name in self._settings.observe_headers)
        kept = {name: response.headers[name] for name in wanted if name in response.headers}
        return {"status": str(response.status_code), **kept}

    def _judged(self, response: httpx.Response, body: bytes, observed: dict[str, str]) -> Verdict:
        if len(body) > LARGEST_BODY:
            return not_yet(f"the body is larger than {LARGEST_BODY} bytes", observed)
        text = body.decode(response.charset_encoding or "utf-8", errors="replace") if body else ""
        if problem := self._settings.expect.problem(response.status_code, response.headers, text):
            return not_yet(problem, observed)
        return ready(f"answered {response.status_code}", observed)


def _host(target: Target) -> str:
    """As it stands in addresses."""
    return f"[{target.host}]" if ":" in target.host else target.host
