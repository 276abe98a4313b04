# SPDX-License-Identifier: Apache-2.0
"""Signed tokens (JWT, RFC 7519) of one issuer."""

from api.access.principal import Principal
from relocate.credentials import Issuer


class Signed:
    """Tokens of one issuer, checked by its public keys."""

    def __init__(self, issuer: Issuer) -> None:
        """Args: issuer: who signs, and what stands in the tokens."""
        self._issuer = issuer

    async def principal(self, token: str) -> Principal:
        """Who it says asks.

        Raises:
            RequestRefused: it is not valid, or the issuer's keys cannot be had now.
        """
        raise NotImplementedError
