# SPDX-License-Identifier: Apache-2.0
"""The tcp probe: does somebody accept connections there?"""

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Self

from readiness.answers import bounded, ready
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
        _, writer = await asyncio.open_connection(target.host, target.port)
        peer = writer.get_extra_info("peername")
        # Reset rather than shut down in order: the answer is known, and nobody should wait for the peer's goodbye.
        writer.transport.abort()
        return ready("accepts connections", {"peer": f"{peer[0]} {peer[1]}" if peer else "unknown"})
