# SPDX-License-Identifier: Apache-2.0
"""Finds out who asks, from what he shows: a bearer token, static or signed, or a certificate."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.types import Scope

from api.access.certificates import shown_names
from api.access.jwt import Signed
from api.access.principal import Principal
from api.access.refusal import unauthorized
from relocate.credentials import Grant, Token
from relocate.settings import Settings


class Credentials:
    """Everything that somebody may show here."""

    def __init__(self, settings: Settings) -> None:
        """Args: settings: tokens, their issuer, names of certificates."""
        self._tokens = settings.tokens
        self._signed = None if settings.jwt is None else Signed(settings.jwt)
        self._certificates = {one.name: one for one in settings.client_certificates}

    async def principal(self, scope: Scope) -> Principal:
        """Who asks. A token that is sent counts, and no certificate beside it.

        Raises:
            RequestRefused: nobody who is known here; or nobody can tell, as the issuer's keys cannot be had.
        """
        header = Headers(scope=scope).get("authorization")
        if header is not None:
            return await self._by_token(header)
        for name in shown_names(scope):
            if name in self._certificates:
                return _worth(self._certificates[name], "certificate")
        raise unauthorized("a valid bearer token is needed")

    async def _by_token(self, header: str) -> Principal:
        kind, _, sent = header.partition(" ")
        sent = sent.strip()
        if kind.lower() != "bearer":
            raise unauthorized("a valid bearer token is needed")
        token = _find(self._tokens, sent)
        if token is not None:
            if token.expires is not None and token.expires <= datetime.now(UTC):
                raise unauthorized(f"the token of {token.name} has expired", error="expired")
            return _worth(token, "token")
        if self._signed is not None:
            return await self._signed.principal(sent)
        raise unauthorized("a valid bearer token is needed")


def _worth(grant: Grant, shown: str) -> Principal:
    return Principal(grant.name, shown, grant.scopes, grant.projects)


def _find(tokens: Iterable[Token], sent: str) -> Token | None:
    """The token that was sent. Digests are compared, all of them, so that time tells nothing."""
    mine = hashlib.sha256(sent.encode()).digest()
    found = None
    for token in tokens:
        theirs = hashlib.sha256(token.token.get_secret_value().encode()).digest()
        if hmac.compare_digest(mine, theirs):
            found = token
    return found
