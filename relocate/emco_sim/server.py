# SPDX-License-Identifier: Apache-2.0
"""The simulated EMCO as a process."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from relocate import logs
from relocate.emco_sim.api import application
from relocate.emco_sim.emco import Emco
from relocate.emco_sim.rsync import Release

_log = structlog.get_logger(__name__)


def serve(host: str, port: int, release: Release) -> None:
    """Serve until SIGINT or SIGTERM; what runs on clusters is left running.

    Args:
        host: address to listen on.
        port: to listen on.
        release: whose behaviour it has.
    """
    logs.configure("emco-sim", "info")
    config = uvicorn.Config(
        application(Emco(release)),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
    )
    _log.info("listening", address=f"{host}:{port}", release=release)
    asyncio.run(_Server(config).serve())


class _Server(uvicorn.Server):
    """Ends on a signal in order, and not by it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield
