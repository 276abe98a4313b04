# SPDX-License-Identifier: Apache-2.0
"""The tcp probe: does somebody accept connections there?"""

from collections.abc import Mapping
from contextlib import closing
from typing import ClassVar, Self

from readiness.answers import bounded, ready
from readiness.connecting import connected
from readiness.contract import Probe
from readiness.model import Target, Verdict
from readiness.settings import Settings, checked


class TcpSettings(Settings):
    """The tcp probe has no settings."""


class TcpProbe(Probe):
    """Ready when a connection is accepted. Nothing is sent."""

    through_gateways: ClassVar[bool] = False

    @classmethod
    def open(cls, settings: Mapping[str, object]) -> Self:
        """Make the probe; `settings` must be empty."""
        checked("tcp", TcpSettings, settings)
        return cls()

    async def check(self, target: Target, *, timeout: float) -> Verdict:
        """Connect and hang up."""
        return await bounded(self._connect(target), timeout)

    async def _connect(self, target: Target) -> Verdict:
        with closing(await connected(target.host, target.port)) as connection:
            host, port, *_ = connection.getpeername()
        return ready("accepts connections", {"peer": f"{host} {port}"})
