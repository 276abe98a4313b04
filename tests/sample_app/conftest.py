# SPDX-License-Identifier: Apache-2.0
"""The sample application as a process of its own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import grpc
import httpx
import pytest

NAMES = {"RELOCATE_INSTANCE": "echo-1", "RELOCATE_CLUSTER": "mec-a"}


@dataclass
class Sample:
    """One running sample application."""

    process: subprocess.Popen[bytes]
    http_port: int
    grpc_port: int

    @property
    def url(self) -> str:
        """Where its HTTP port is."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def target(self) -> str:
        """Where its gRPC port is."""
        return f"127.0.0.1:{self.grpc_port}"

    async def status(self) -> int | None:
        """What /healthz says; None while the port is not open."""
        async with httpx.AsyncClient() as client:
            try:
                return (await client.get(f"{self.url}/healthz")).status_code
            except httpx.TransportError:
                return None

    async def reaches(self, status: int | None) -> None:
        """Wait until /healthz answers with this status, or None: not at all; fails after 10 s."""
        async with asyncio.timeout(10):
            while await self.status() != status:  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.02)

    def terminate(self) -> None:
        """SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    async def ends(self) -> int:
        """Its exit status, once it has ended; fails after 10 s."""
        return await asyncio.to_thread(self.process.wait, 10)


@pytest.fixture
def start() -> Iterator[Callable[..., Sample]]:
    """Start sample applications; what still runs in the end is killed."""
    started: list[Sample] = []

    def begin(*arguments: str) -> Sample:
        ports = free_port(), free_port()
        command = [
            sys.executable,
            "-m",
            "relocate.demo.app",
            "--http-port",
            str(ports[0]),
            "--grpc-port",
            str(ports[1]),
        ]
        process = subprocess.Popen([*command, *arguments], env=os.environ | NAMES, stderr=subprocess.PIPE)
        started.append(Sample(process, *ports))
        return started[-1]

    yield begin
    for sample in started:
        sample.process.kill()
        sample.process.communicate()


@pytest.fixture
async def warm(start: Callable[..., Sample]) -> Sample:
    """One that serves, near to cell-a, with a grace time of 1 s."""
    sample = start("--warm-up", "0", "--grace", "1", "--near", "mec-a=cell-a", "--near", "mec-b=cell-b")
    await sample.reaches(200)
    return sample


@pytest.fixture
async def channel(warm: Sample) -> AsyncIterator[grpc.aio.Channel]:
    """A gRPC channel to it."""
    async with grpc.aio.insecure_channel(warm.target) as opened:
        yield opened


def free_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
