# SPDX-License-Identifier: Apache-2.0
"""Signed tokens (JWT, RFC 7519) of one issuer. PyJWT reads and checks them; nothing of a token is repeated in an answer or a log."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt

from api.access.claims import principal_of
from api.access.issuer_keys import IssuerKeys
from api.access.principal import Principal
from api.access.refusal import invalid
from relocate.credentials import Issuer

LONGEST = 8 * 1024
"""Characters of a token; what proxies let through in a header is hardly more."""

_WRONG: Sequence[tuple[type[jwt.PyJWTError], str]] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not yet valid"),
    (jwt.InvalidAudienceError, "wrong audience"),
    (jwt.InvalidIssuerError, "wrong issuer"),
    (jwt.InvalidSignatureError, "wrong signature"),
)
"""What PyJWT finds, in our words; whatever else it is, is malformed."""


class Signed:
    """Tokens of one issuer, checked by its public keys."""

    def __init__(self, issuer: Issuer, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: issuer: who signs, and what stands in the tokens; clock: seconds, by which its keys grow old."""
        self._issuer = issuer
        self._keys = IssuerKeys(issuer, clock)

    async def principal(self, token: str) -> Principal:
        """Who it says asks.

        Raises:
            RequestRefused: it is not valid, or the issuer's keys cannot be had now.
        """
        kid, algorithm = self._named(token)
        key = await self._keys.key(kid, algorithm)
        if key is None:
            raise invalid("unknown key" if kid is not None else "it does not say by which key")
        return principal_of(self._checked(token, key), self._issuer)

    def _named(self, token: str) -> tuple[str | None, str]:
        """Key and algorithm, as the token says, which nobody has checked yet: no more is done with them than to find a key."""
        if len(token) > LONGEST:
            raise invalid("too long")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise invalid("malformed") from None
        algorithm = header.get("alg")
        if algorithm not in self._issuer.algorithms:
            raise invalid("that algorithm is not allowed")
        return header.get("kid"), algorithm

    def _checked(self, token: str, key: jwt.PyJWK) -> Mapping[str, Any]:
        """Its claims; the signature is checked before they are looked at."""
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._issuer.audience,
                issuer=self._issuer.issuer,
                leeway=self._issuer.leeway_seconds,
                options={"require": ["exp", "iss", "aud", self._issuer.name_claim]},
            )
        except jwt.MissingRequiredClaimError as missing:
            raise invalid(f"the claim {missing.claim} is missing") from None
        except jwt.PyJWTError as error:
            # Without its cause, which may repeat what the token says.
            raise invalid(next((what for kind, what in _WRONG if isinstance(error, kind)), "malformed")) from None
