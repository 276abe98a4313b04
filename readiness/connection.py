# SPDX-License-Identifier: Apache-2.0
"""The connection of one HTTP exchange, so that an interrupted TLS handshake leaves no socket open.

httpx 0.28 closes a connection whose handshake fails, but not one whose handshake is cancelled (by a time-out around
the whole exchange). Its trace extension tells of every connection made.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol


class _Stream(Protocol):
    async def aclose(self) -> None: ...


class Connection:
    """Give `trace` to a request as the extension of that name; `made` says whether it had to connect."""

    def __init__(self) -> None:
        self._stream: _Stream | None = None

    @property
    def made(self) -> bool:
        """Whether the exchange opened a connection, rather than taking one that was kept."""
        return self._stream is not None

    @property
    def trace(self) -> Callable[[str, Mapping[str, _Stream]], Awaitable[None]]:
        """The extension."""
        return self._note

    async def _note(self, event: str, info: Mapping[str, _Stream]) -> None:
        if event == "connection.connect_tcp.complete":
            self._stream = info["return_value"]

    async def abandon(self) -> None:
        """Close what was opened; harmless when it is closed already."""
        if self._stream is not None:
            await self._stream.aclose()
