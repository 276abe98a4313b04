# SPDX-License-Identifier: Apache-2.0
"""An identity provider with a key, and the API's view of it."""

from collections.abc import AsyncIterator, Callable

import pytest

from api.access.jwt import Signed
from relocate.credentials import Issuer
from tests.api.access.signed.provider import Clock, Provider, Signing, key_set


@pytest.fixture(scope="session")
def own() -> Signing:
    """The provider's key."""
    return Signing()


@pytest.fixture(scope="session")
def rsa_key() -> Signing:
    """An RSA key of the provider."""
    return Signing("rsa", "RS256")


@pytest.fixture
def clock() -> Clock:
    """By which keys grow old."""
    return Clock()


@pytest.fixture
async def provider(own: Signing, rsa_key: Signing) -> AsyncIterator[Provider]:
    """Gives both keys away."""
    provider = Provider()
    async with provider.listening():
        provider.reply = key_set(own.jwk(), rsa_key.jwk())
        yield provider


@pytest.fixture
def make_signed(provider: Provider, clock: Clock) -> Callable[..., Signed]:
    """The checks, with settings of the test's choice."""
    return lambda **more: Signed(Issuer.model_validate(provider.settings(**more)), clock)


@pytest.fixture
def signed(make_signed: Callable[..., Signed]) -> Signed:
    """The checks, with the settings that are there."""
    return make_signed()
