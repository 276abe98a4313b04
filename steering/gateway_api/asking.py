# SPDX-License-Identifier: Apache-2.0
"""Asks one replica which write it answers by: as a UE would, at its own address."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from steering.gateway_api import names
from steering.gateway_api.kinds import RouteKind
from steering.gateway_api.record import Record
from steering.gateway_api.settings import Replica, Tls
from steering.model import EPOCH_HEADER, PROBE_HEADER, Port, Protocol, RouteDocument

ASK_SECONDS = 2.0
"""Time-out of each question."""
KEPT_SECONDS = 60.0
"""A route's connections that nobody has asked on for so long are closed."""
_FRESH = httpx.Limits(max_keepalive_connections=0)
_KEPT = httpx.Limits(keepalive_expiry=KEPT_SECONDS)


@dataclass(frozen=True)
class Told:
    """What a replica said."""

    status: int | None = None
    epoch: str | None = None
    """Of the write that it answered by, whatever the status."""
    failure: str = ""
    """Why there was no answer."""


class Asker:
    """Asks the replicas of one gateway.

    Gateways apply a write to open connections as to new ones, or end them. So the gateway's own answer is asked for on
    connections that are kept: a fresh one costs each look a TLS handshake, three times what the question costs. Each
    host has its own, as Contour answers 421 to one host on the connection of another.
    """

    def __init__(self, tls: Tls | None, kind: RouteKind) -> None:
        """Args: tls: how a UE checks the gateway, None for plain HTTP; kind: of its routes.

        Raises:
            ValueError: its certificate authority cannot be read.
        """
        self._scheme = "https" if tls else "http"
        self._kind = kind
        self._trust = _trust(tls)
        self._http = self._client(_FRESH)
        self._kept: dict[str, tuple[httpx.AsyncClient, float]] = {}
        """By host, and when it was used last."""

    async def ask(self, replica: Replica, record: Record) -> Told:
        """The gateway's own answer, which needs no application; where it gives none, an answer as a UE gets it.

        Args:
            replica: whom.
            record: the route's, as it was read.
        """
        if self._kind.redirects:
            request = self._request("GET", replica, record, "/", {PROBE_HEADER: names.ASKS_EPOCH})
            told = await _send(await self._line(names.hosts(record.document)[0]), request, record, whole=True)
            if told.failure or told.epoch is not None:
                return told
        port = _asked(record.document)
        if port.protocol is Protocol.HTTP:
            return await _send(self._http, self._request("GET", replica, record, path(port), {}), record)
        speaks = {"content-type": "application/grpc", "te": "trailers"}
        # One client each, or questions would share connections: httpcore 1.0.9 lets one fail for what befell another.
        async with self._client(_FRESH, grpc=True) as alone:
            return await _send(alone, self._request("POST", replica, record, path(port), speaks), record)

    def _request(
        self, method: str, replica: Replica, record: Record, at: str, headers: Mapping[str, str]
    ) -> httpx.Request:
        host = names.hosts(record.document)[0]
        url = f"{self._scheme}://{replica.address}{at}"
        limit = httpx.Timeout(ASK_SECONDS).as_dict()
        extensions = {"sni_hostname": host, "timeout": limit}
        return httpx.Request(method, url, headers={"host": host, **headers}, extensions=extensions)

    async def close(self) -> None:
        """Close connections."""
        for one in (self._http, *(client for client, _ in self._kept.values())):
            await one.aclose()

    def _client(self, limits: httpx.Limits, *, grpc: bool = False) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self._trust, timeout=ASK_SECONDS, trust_env=False, limits=limits, http1=not grpc, http2=grpc
        )

    async def _line(self, host: str) -> httpx.AsyncClient:
        now = time.monotonic()
        client = self._kept[host][0] if host in self._kept else self._client(_KEPT)
        self._kept[host] = (client, now)
        for one, (idle, used) in list(self._kept.items()):
            if now - used > KEPT_SECONDS:
                del self._kept[one]
                await idle.aclose()
        return client


async def _send(client: httpx.AsyncClient, request: httpx.Request, record: Record, *, whole: bool = False) -> Told:
    try:
        # Only the headers are waited for: an application's body may take as long as it likes.
        answer = await client.send(request, stream=not whole)
        await answer.aclose()
    except (httpx.HTTPError, OSError) as error:
        return Told(failure=repr(error))
    return Told(status=answer.status_code, epoch=epoch_of(answer.headers, record))


def epoch_of(headers: httpx.Headers, record: Record) -> str | None:
    """The epoch that an answer carries, or that a redirect stands for."""
    host = urlsplit(headers.get("location", "")).hostname
    return headers.get(EPOCH_HEADER) or next((one for _, one in record.epochs if names.host_of(one) == host), None)


def path(port: Port) -> str:
    """A path that this port takes; for HTTP the one by which its health is asked, if it takes that.

    For gRPC it is a method that nobody has, if it takes that: one that somebody has would be called.
    """
    under = port.prefix.rstrip("/")
    if port.protocol is Protocol.GRPC:
        return f"{under or '/relocate'}/Epoch" if port.prefix.endswith("/") else port.prefix
    return port.health if port.health == under or port.health.startswith(f"{under}/") else port.prefix


def _asked(document: RouteDocument) -> Port:
    """Every rule of ours is written at once, so any port will do; HTTP is asked for the simplest answer."""
    return next((port for port in document.ports if port.protocol is Protocol.HTTP), document.ports[0])


def _trust(tls: Tls | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=tls.ca_file if tls else None)
    except OSError as error:
        raise ValueError(f"tls.ca_file: cannot be read: {error}") from error
