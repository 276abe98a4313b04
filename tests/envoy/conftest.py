# SPDX-License-Identifier: Apache-2.0
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from steering.adapters.envoy import EnvoyAdapter
from tests.envoy.rig import Rig


@pytest.fixture
def make_rig() -> Iterator[Callable[..., Rig]]:
    """Makes and starts rigs; all end with the test."""
    made: list[Rig] = []

    def make(**options: Any) -> Rig:
        rig = Rig(**options)
        made.append(rig)
        rig.start()
        return rig

    yield make
    for rig in made:
        rig.stop()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """One rig with two Envoys for this test alone."""
    return make_rig()


@pytest.fixture
async def adapter(rig: Rig) -> AsyncIterator[EnvoyAdapter]:
    """An adapter of the rig's gateway."""
    opened = rig.adapter()
    yield opened
    await opened.close()
