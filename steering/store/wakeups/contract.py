# SPDX-License-Identifier: Apache-2.0
"""What a kind of wake-ups does."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sqlalchemy import Connection


class WakeUps(Protocol):
    """Wakes the control planes of one database."""

    def within(self, connection: Connection) -> None:
        """Called at the end of a transaction that writes something they read; if it fails, nobody is woken."""

    def after(self) -> None:
        """Called when that transaction has been committed."""

    def listen(self, woken: asyncio.Event, host: str) -> AbstractAsyncContextManager[str]:
        """Set `woken` whenever something may have been written, for as long as the block runs.

        Args:
            woken: is cleared by whoever waits for it.
            host: this machine's IP address where others may wake us, where it is they who do.

        Returns:
            Where that is (host:port), to be told with every sign of life; empty where it is not needed.
        """
