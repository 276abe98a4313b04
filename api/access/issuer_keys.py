# SPDX-License-Identifier: Apache-2.0
"""The public keys of whoever signs tokens: fetched when they are needed, kept for a while, and asked for seldom."""

import asyncio
import math
import ssl
import time
from collections.abc import Callable

import httpx
import jwt
import structlog

from api.access.key_set import KeySet
from api.problems import RequestRefused
from relocate.credentials import Issuer

PAUSE = 10.0
"""Seconds from one fetch to the next at least, so that invented keys and outages do not make us hammer the issuer."""
PATIENCE = 5.0
"""Seconds for one fetch."""
LARGEST = 256 * 1024
"""Bytes of an answer; a set of ten keys has about 5 kB, with certificates 30 kB."""

_HEADERS = {
    "accept": "application/json, application/jwk-set+json",
    # What is small when packed may be large: only what is counted is read.
    "accept-encoding": "identity",
    "user-agent": "edge-relocation",
}
_log = structlog.get_logger(__name__)


class IssuerKeys:
    """The keys of one issuer. One fetch at a time, for everybody who waits for it."""

    def __init__(self, issuer: Issuer, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: issuer: where they are, and how long they count; clock: seconds."""
        self._issuer = issuer
        self._clock = clock
        self._keys = KeySet()
        self._fetched = self._tried = -math.inf
        self._failing = ""
        """Why the last fetch failed; nothing, if it did not."""
        self._asking: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key by which a token has to be checked; None: the issuer has none of that id.

        While the issuer cannot be asked, nobody waits for it who can be checked by a key that still counts.

        Raises:
            RequestRefused: it cannot be known now.
        """
        if self._age >= self._issuer.jwks_seconds:
            await self._ask(wait=not (self._failing and self._counted(kid, algorithm)))
        key = self._counted(kid, algorithm)
        if key is None:
            await self._ask()
            key = self._counted(kid, algorithm)
        if key is None and (self._failing or not self._keys):
            raise self._unavailable()
        return key

    @property
    def _age(self) -> float:
        return self._clock() - self._fetched

    def _counted(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """A key that we have, and that is not too old."""
        counts = self._age < self._issuer.jwks_seconds + self._issuer.jwks_outage_seconds
        return self._keys.key(kid, algorithm) if counts else None

    async def _ask(self, *, wait: bool = True) -> None:
        """Fetch them, if that has not just been tried. Whoever goes away does not take the fetch from the others."""
        if self._asking is None or self._asking.done():
            if self._clock() - self._tried < PAUSE:
                return
            self._tried = self._clock()
            self._asking = asyncio.create_task(self._fetch())
        if wait:
            await asyncio.shield(self._asking)

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                keys = KeySet.parse(await self._download(), self._issuer.algorithms)
        except (httpx.HTTPError, OSError, ValueError) as error:
            self._failing = _reason(error)
            _log.warning("the issuer's keys cannot be fetched", issuer=self._issuer.issuer, reason=self._failing)
            return
        if self._failing:
            _log.info("the issuer's keys were fetched again", issuer=self._issuer.issuer)
        if not keys:
            _log.warning("the issuer has no key that can be used", issuer=self._issuer.issuer)
        self._keys, self._fetched, self._failing = keys, self._tried, ""

    async def _download(self) -> bytes:
        url = str(self._issuer.jwks_url)
        trust = await asyncio.to_thread(_trust, self._issuer.jwks_ca)
        client = httpx.AsyncClient(verify=trust, headers=_HEADERS, timeout=PATIENCE, follow_redirects=False)
        async with client, client.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"it answered {response.status_code}")
            body = b""
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > LARGEST:
                    raise ValueError(f"its answer is larger than {LARGEST} bytes")
            return body

    def _unavailable(self) -> RequestRefused:
        wait = max(1, math.ceil(self._tried + PAUSE - self._clock()))
        detail = f"the keys of the tokens' issuer cannot be had now; come back in {wait} s"
        return RequestRefused("issuer-unavailable", detail, headers={"Retry-After": str(wait)})


def _trust(authority: str | None) -> ssl.SSLContext:
    """Read anew for each fetch, so that it may be changed while we run."""
    try:
        return httpx.create_ssl_context() if authority is None else ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise ValueError(f"jwks_ca cannot be read as certificates ({error})") from error


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"no answer within {PATIENCE:g} s"
    return str(error) or type(error).__name__
