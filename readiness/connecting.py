# SPDX-License-Identifier: Apache-2.0
"""Connecting without waiting for the kernel to try again.

A packet that asks for a connection and meets nobody may be lost without a word, and the kernel repeats it after a second (RFC 6298,
2.1): an address that begins to answer meanwhile would be seen that late. So it is at a node port whose Service has no endpoint yet:
kube-proxy refuses by ICMP, which Linux sends six times to one host and then once a second (net.ipv4.icmp_ratelimit). Another attempt
beside the first sees it sooner. The delay between them is the one of RFC 8305, whose attempts go to several addresses. Users do not
connect like this, so only probes do.
"""

import asyncio
import socket

DELAY_SECONDS = 0.25
"""After which an attempt that has not ended gets another one beside it."""
ATTEMPTS = 4
"""At most; the last one has whatever time its caller gives it."""


async def connected(host: str, port: int) -> socket.socket:
    """A TCP connection to there, by the attempt that was first to end.

    Raises:
        OSError: that attempt failed.
    """
    attempts: list[asyncio.Task[socket.socket]] = []
    first: asyncio.Task[socket.socket] | None = None
    try:
        while first is None:
            attempts.append(asyncio.create_task(_attempt(host, port)))
            patience = DELAY_SECONDS if len(attempts) < ATTEMPTS else None
            await asyncio.wait(attempts, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            first = next((attempt for attempt in attempts if attempt.done()), None)
        return first.result()
    finally:
        for attempt in attempts:
            if attempt is not first:
                attempt.add_done_callback(_closed)
                attempt.cancel()


async def _attempt(host: str, port: int) -> socket.socket:
    """Through the addresses of a name, in order."""
    loop = asyncio.get_running_loop()
    failed: OSError | None = None
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        made = socket.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            await loop.sock_connect(made, address)
        except OSError as error:
            made.close()
            failed = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failed or OSError(f"{host} has no address")


def _closed(attempt: "asyncio.Task[socket.socket]") -> None:
    """Nobody wants what it made."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()
