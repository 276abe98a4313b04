# SPDX-License-Identifier: Apache-2.0
"""Two real Envoys with the real control plane keep every promise of the contract."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from steering.conformance.suite import ConformanceSuite
from steering.contract import SteeringAdapter
from steering.model import Backend
from tests.conformance.ue import UeHarness
from tests.envoy.rig import Rig


class EnvoyHarness(UeHarness):
    """A rig with two Envoys."""

    name = "envoy"

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._rig = Rig()

    def start(self) -> None:
        """Start everything."""
        self._rig.start()

    def stop(self) -> None:
        """End everything."""
        self._rig.stop()

    def adapter(self) -> SteeringAdapter:
        """A new one, with a database connection of its own."""
        return self._rig.adapter()

    def instances(self) -> tuple[str, ...]:
        """Both Envoys."""
        return self._rig.instances

    def backends(self) -> tuple[Backend, Backend]:
        """Both applications."""
        return self._rig.backend("a"), self._rig.backend("b")

    def listener(self, instance: str) -> tuple[str, int]:
        """Of loopback."""
        return "127.0.0.1", self._rig.port(instance)

    def trust(self) -> ssl.SSLContext:
        """The rig's authority."""
        return self._rig.trust

    def process(self, instance: str) -> int:
        """An Envoy."""
        return self._rig.processes[instance].pid

    def cut_off(self, instance: str) -> AbstractAsyncContextManager[None]:  # noqa: ARG002, it is all of them
        """No control plane for anybody."""

        @asynccontextmanager
        async def cut() -> AsyncIterator[None]:
            self._rig.kill("control")
            try:
                yield
            finally:
                await asyncio.to_thread(self._rig.start_control)

        return cut()


@pytest.mark.timeout(120)
class TestEnvoy(ConformanceSuite):
    """All cases."""

    harness = EnvoyHarness
