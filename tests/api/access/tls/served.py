# SPDX-License-Identifier: Apache-2.0
"""The API's listener over TLS, as `relocate api` sets it up, on an event loop of its own."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import uvicorn
from starlette.types import ASGIApp

from api.server import secured
from relocate.health import SideListener
from relocate.settings import Settings

Loops = Callable[[], asyncio.AbstractEventLoop]


@contextmanager
def served(app: ASGIApp, settings: Settings, loops: Loops, *, stop: Callable[[], None] = lambda: None) -> Iterator[int]:
    """The port while it listens; `stop` is called before it ends."""
    config = uvicorn.Config(
        app, port=0, log_config=None, timeout_graceful_shutdown=1, ws="none", lifespan="off", **secured(settings)
    )
    server = SideListener(config)

    def run() -> None:
        with asyncio.Runner(loop_factory=loops) as runner:
            runner.run(server.serve())

    thread = threading.Thread(target=run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "nothing listens"
        time.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        stop()
        server.should_exit = True
        thread.join()


class Said(NamedTuple):
    """One question on a connection of its own."""

    answer: bytes
    certificate: bytes | None
    """The listener's, DER."""
    session: ssl.SSLSession | None
    """To go on with on another connection."""
    reused: bool
    """Whether this one went on with another's session."""


def say(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None, path: str = "/") -> Said:
    """Ask, and read to the end. Raises OSError: there is no connection, or an end to it instead of an answer."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    with context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as line:
        certificate = line.getpeercert(binary_form=True)
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
        if not answer:
            raise ConnectionResetError("the connection has ended")
        return Said(answer, certificate, line.session, bool(line.session_reused))
