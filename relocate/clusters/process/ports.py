# SPDX-License-Identifier: Apache-2.0
"""Port numbers for instances: free now, and not given out before."""

import random
import socket
from collections.abc import Iterable

FIRST, LAST = 20_000, 29_999
"""Below the ports that Linux gives to outgoing connections (32768 and up), so that none of those takes a port
between the moment it is chosen and the moment the instance listens."""


class NoPortLeft(Exception):
    """Every port of the range is taken or was given out before."""


class Ports:
    """Gives out ports, never the same one twice: a route that still names a gone instance must not lead to another."""

    def __init__(self, host: str) -> None:
        self._host = host
        # At random, because the agents of several clusters on one machine share the range.
        self._left = random.sample(range(FIRST, LAST + 1), LAST + 1 - FIRST)

    def take(self, names: Iterable[str]) -> dict[str, int]:
        """A free port for each name.

        Raises:
            NoPortLeft: the range is used up.
        """
        return {name: self._next() for name in names}

    def _next(self) -> int:
        while self._left:
            port = self._left.pop()
            if _free(self._host, port):
                return port
        raise NoPortLeft(f"no port from {FIRST} to {LAST} is left; restart the agent when its instances are gone")


def _free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
