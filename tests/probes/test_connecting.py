# SPDX-License-Identifier: Apache-2.0
"""How probes connect, to real listeners."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from readiness.connecting import connected

KERNEL_SECONDS = 1.0
"""After which the kernel asks again for a connection (RFC 6298, 2.1)."""


@pytest.fixture
def full() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A listener whose queue is full, so that the kernel drops who asks, and the connection that fills it."""
    with socket.socket() as listener, socket.socket() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting.connect(listener.getsockname())
        yield listener, waiting


async def test_a_lost_packet_costs_less_than_the_kernels_own_patience(full) -> None:
    """Where the first attempt was dropped, another one finds the listener before the kernel asks again."""
    listener, _ = full
    began = time.monotonic()
    connecting = asyncio.create_task(connected(*listener.getsockname()))
    await asyncio.sleep(0.1)
    assert not connecting.done()
    listener.accept()[0].close()
    with await connecting as connection:
        assert time.monotonic() - began < KERNEL_SECONDS
        assert connection.getpeername() == listener.getsockname()


async def test_attempts_end_with_whoever_wanted_them(full) -> None:
    """A time-out leaves neither an attempt nor a socket."""
    listener, _ = full
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connected(*listener.getsockname()), 0.6)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_refusal_is_told_at_once() -> None:
    """Nobody listens: that is an answer, and no reason to try again."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await connected(*nobody.getsockname())


async def test_a_name_is_looked_up() -> None:
    """What is no address yet, here short for 127.0.0.1, is resolved."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        await connected("127.1", listener.getsockname()[1]) as connection,
    ):
        assert connection.getpeername() == listener.getsockname()
