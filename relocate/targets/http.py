# SPDX-License-Identifier: Apache-2.0
"""An external MEC orchestrator (MEO) over HTTP, by the protocol `relocator/v1` (`protocol`)."""

import asyncio
import random
import ssl
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self

import httpx
from pydantic import Field, HttpUrl, SecretStr, ValidationError

from relocate.checking import checked
from relocate.errors import InvalidRequest
from relocate.model.values import Model
from relocate.targets.contract import Decision, SelectionRequest, TargetSelector
from relocate.targets.errors import SelectorNonsense, SelectorUnreachable
from relocate.targets.protocol import MeoRequest, MeoResponse
from relocate.targets.translation import decision, question

LARGEST_ANSWER = 1024 * 1024
"""Bytes; an answer about 1000 candidates has some 200 kB."""

WORTH_ANOTHER_TRY = frozenset({429, 502, 503, 504})
"""Statuses of a MEO, or of a proxy before it, that is not there at the moment."""


class HttpSettings(Model):
    """Settings of the external selector."""

    url: HttpUrl
    """Where to POST the question."""
    timeout_seconds: float = Field(default=2.0, gt=0, le=60)
    """Longest time for a decision, all attempts together."""
    attempts: int = Field(default=3, ge=1, le=5)
    pause_seconds: float = Field(default=0.1, ge=0, le=5)
    """Mean pause before another attempt; the real one is random, up to twice as long, so that askers spread out."""
    token: SecretStr | None = None
    """Bearer token to send."""
    ca_file: str | None = None
    """Certificate authority of the MEO; None for the system's."""
    provider: str | None = Field(default=None, max_length=128)
    """Sent with every cluster, for MEOs that name clusters by provider and name."""
    weights: dict[str, float] = Field(default_factory=dict)
    """Sent as they are."""


class HttpSelector(TargetSelector):
    """Asks a MEO."""

    def __init__(self, settings: HttpSettings) -> None:
        """Args: settings: whom to ask, and how long to wait."""
        self._settings = settings
        headers = {"accept": "application/json", "user-agent": "edge-relocation"}
        if settings.token is not None:
            headers["authorization"] = f"Bearer {settings.token.get_secret_value()}"
        self._client = httpx.AsyncClient(headers=headers, verify=_trust(settings), timeout=settings.timeout_seconds)

    @classmethod
    def open(cls, settings: Mapping[str, Any]) -> Self:
        """Make the selector; raises InvalidRequest."""
        return cls(checked(HttpSettings, settings, at="selector_settings"))

    async def rank(self, request: SelectionRequest) -> Decision:
        """The MEO's decision.

        Raises:
            SelectorUnreachable: no answer in time, or none that belongs to the protocol.
            SelectorNonsense: the answer contradicts itself.
        """
        asked = question(
            request,
            patience=timedelta(seconds=self._settings.timeout_seconds),
            provider=self._settings.provider,
            weights=self._settings.weights,
        )
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                body = await self._ask(asked)
        except TimeoutError as error:
            limit = self._settings.timeout_seconds
            raise SelectorUnreachable(f"the MEO at {self._where} gave no answer within {limit:g} s") from error
        return decision(_parsed(body), request)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    @property
    def _where(self) -> str:
        return f"{self._settings.url.host}:{self._settings.url.port}"

    async def _ask(self, asked: MeoRequest) -> bytes:
        content = asked.model_dump_json(by_alias=True, exclude_none=True)
        problem = ""
        for attempt in range(self._settings.attempts):
            if attempt:
                await asyncio.sleep(random.uniform(0, 2 * self._settings.pause_seconds))  # noqa: S311 - spreads load
            try:
                return await self._once(content)
            except httpx.HTTPStatusError as error:
                problem = f"answered {error.response.status_code}"
                if error.response.status_code not in WORTH_ANOTHER_TRY:
                    break
            except httpx.TransportError as error:
                problem = f"cannot be reached ({error or type(error).__name__})"
        raise SelectorUnreachable(f"the MEO at {self._where} {problem}")

    async def _once(self, content: str) -> bytes:
        headers = {"content-type": "application/json"}
        async with self._client.stream("POST", str(self._settings.url), content=content, headers=headers) as response:
            response.raise_for_status()
            if response.status_code != httpx.codes.OK:
                raise SelectorNonsense(f"the MEO answered {response.status_code}; a decision is a 200")
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise SelectorNonsense(f"the answer of the MEO is larger than {LARGEST_ANSWER} bytes")
            return body


def _trust(settings: HttpSettings) -> ssl.SSLContext | bool:
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        field = "selector_settings.ca_file"
        raise InvalidRequest(f"{field}: cannot be read as certificates ({error})", field=field) from error


def _parsed(body: bytes) -> MeoResponse:
    try:
        return MeoResponse.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise SelectorNonsense(f"the answer of the MEO makes no sense: {where}: {first['msg']}") from error
