# SPDX-License-Identifier: Apache-2.0
"""A client of an API server with its credentials, and who uses it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient

LONGEST_SECONDS = 315.0
"""No answer lasts longer: a watch that the API server was to end, and some more. Shorter limits are the caller's."""


@dataclass(frozen=True)
class Request:
    """What an API server is asked."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content: str = "application/json"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Session:
    """It is closed when nobody uses it any more: aiohttp leaves a reader waiting for ever whose client is closed under him."""

    client: ApiClient
    users: int = 0
    retired: bool = False

    @asynccontextmanager
    async def used(self) -> AsyncIterator[None]:
        """It stays open while entered."""
        self.users += 1
        try:
            yield
        finally:
            self.users -= 1
            await self._close_if_done()

    async def retire(self) -> None:
        """Nobody is to begin anything on it any more."""
        self.retired = True
        await self._close_if_done()

    async def send(self, request: Request) -> aiohttp.ClientResponse:
        """One request; its answer as far as it has come."""
        where = f"{request.path}?{urlencode(request.query)}" if request.query else request.path
        headers = {"Accept": "application/json", "Content-Type": request.content}
        sent = await self.client.param_serialize(
            request.method, where, header_params=headers, body=request.body, auth_settings=["BearerToken"]
        )
        answer = await self.client.call_api(*sent, _request_timeout=LONGEST_SECONDS)
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _close_if_done(self) -> None:
        if self.retired and not self.users:
            await self.client.close()  # type: ignore[no-untyped-call]
