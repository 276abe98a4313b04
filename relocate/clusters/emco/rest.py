# SPDX-License-Identifier: Apache-2.0
"""EMCO's REST, as far as anybody's: requests, their time-outs, and what an answer means that is none of EMCO's."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from relocate.clusters.emco.settings import EmcoSettings
from relocate.errors import ClusterUnavailable, InvalidRequest

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer; a status with thousands of resources is a few MiB."""
ATTEMPTS = 2
"""A connection that EMCO closed while it was idle is found out by using it."""


class Refused(Exception):
    """EMCO will not do it, in its own words."""

    def __init__(self, status: int, text: str) -> None:
        """Args: status: 4xx; text: EMCO's, cut."""
        super().__init__(text or f"HTTP {status}")
        self.status = status


class Rest:
    """One EMCO. Everything but `Refused` is `ClusterUnavailable`: also an answer that is no answer of EMCO's."""

    def __init__(self, name: str, settings: EmcoSettings) -> None:
        """Args: name: of the cluster, for sentences; settings: its.

        Raises:
            InvalidRequest: a file of the settings cannot be used.
        """
        self._name = name
        self._settings = settings
        verify: Any = True
        if settings.ca_file is not None:
            try:
                verify = ssl.create_default_context(cafile=settings.ca_file)
            except OSError as error:
                raise InvalidRequest(f"settings.ca_file: {error}", field="settings.ca_file") from error
        # EMCO is in the operator's own network: a proxy from the environment is never the way to it.
        self._client = httpx.AsyncClient(verify=verify, trust_env=False, timeout=settings.timeout_seconds)

    async def get(self, path: str, query: Mapping[str, str] = MappingProxyType({}), *, clm: bool = False) -> Any:
        """A document. Raises Refused, ClusterUnavailable."""
        return self._parsed(path, await self._asked("GET", self._url(path, clm=clm), params=dict(query)))

    async def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Put a document in place. Raises Refused, ClusterUnavailable."""
        await self._asked("PUT", self._url(path), content=json.dumps(body).encode())

    async def act(self, path: str) -> str:
        """Order something that has no body, and that may be ordered twice; the answer's text. Raises Refused, ClusterUnavailable."""
        return (await self._asked("POST", self._url(path))).decode(errors="replace").strip()

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    def _url(self, path: str, *, clm: bool = False) -> str:
        base = (self._settings.clm_url if clm else None) or self._settings.url
        return base.rstrip("/") + path

    @retry(
        retry=retry_if_exception_type(httpx.TransportError),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random(0, 0.2),
        reraise=True,
    )
    async def _sent(self, method: str, url: str, **what: Any) -> tuple[int, str, bytes]:
        async with self._client.stream(method, url, headers=self._headers(), **what) as response:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    raise ClusterUnavailable(f"{self._at(url)} answers with more than {LARGEST} bytes")
            return response.status_code, response.headers.get("content-type", ""), bytes(content)

    async def _asked(self, method: str, url: str, **what: Any) -> bytes:
        seconds = self._settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                status, kind, content = await self._sent(method, url, **what)
        except TimeoutError as error:
            raise ClusterUnavailable(f"{self._at(url)} gave no answer within {seconds:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            how = str(error) or type(error).__name__
            raise ClusterUnavailable(f"{self._at(url)} cannot be asked: {how}") from error
        return self._taken(method, url, status, kind, content)

    def _taken(self, method: str, url: str, status: int, kind: str, content: bytes) -> bytes:
        path = httpx.URL(url).path
        if "html" in kind:
            raise ClusterUnavailable(f"{self._at(url)} is no EMCO: {method} {path} was answered {status} with a page")
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return content
        text = " ".join(content[:1000].decode(errors="replace").split())[:300]
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise ClusterUnavailable(f"{self._at(url)} does not let us in ({status}): {text}")
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Refused(status, text)
        raise ClusterUnavailable(f"{self._at(url)}: {method} {path} was answered {status}: {text}")

    def _parsed(self, path: str, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ClusterUnavailable(f"{self._name}: what answers {path} is no EMCO: its answer is no JSON") from error

    def _headers(self) -> Mapping[str, str]:
        headers = {"accept": "application/json", "content-type": "application/json"}
        token = self._token()
        return headers if token is None else {**headers, "authorization": f"Bearer {token}"}

    def _token(self) -> str | None:
        settings = self._settings
        if settings.token_file is None:
            return None if settings.token is None else settings.token.get_secret_value()
        try:
            return settings.token_file.read_text().strip()
        except OSError as error:
            raise ClusterUnavailable(f"{self._name}: settings.token_file: {error}") from error

    def _at(self, url: str) -> str:
        where = httpx.URL(url)
        return f"{self._name}: EMCO at {where.scheme}://{where.netloc.decode()}"
