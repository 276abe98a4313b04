# SPDX-License-Identifier: Apache-2.0
"""Parts of the shared system that are gone for a while, and there again afterwards however the drill ends."""

import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import MappingProxyType

from relocate.demo.processes import listens
from relocate.demo.system import System

CONTROL = "gateway-control"


@asynccontextmanager
async def gateway_killed(system: System, instance: str) -> AsyncIterator[None]:
    """SIGKILL to one Envoy; it is started again at the end, unless the drill has done so."""
    await system.processes.kill(instance)
    try:
        yield
    finally:
        if not _runs(system, instance):
            await start_gateway(system, instance)


async def start_gateway(system: System, instance: str) -> None:
    """Start an Envoy that was killed, and wait until it has been told what to serve."""
    await system.start_gateway(instance)
    await system.processes.wait_for(instance, lambda: listens(system.ports.listeners[instance]))


@asynccontextmanager
async def control_killed(system: System) -> AsyncIterator[None]:
    """SIGKILL to the gateways' control plane; one as it should be runs at the end."""
    await system.processes.kill(CONTROL)
    try:
        yield
    finally:
        if _runs(system, CONTROL):
            await system.processes.kill(CONTROL)
        await start_control(system)


async def start_control(system: System, environment: Mapping[str, str] = MappingProxyType({})) -> None:
    """Start a control plane, with these settings besides, and wait until it listens."""
    await system.start_control(environment)
    await system.processes.wait_for(CONTROL, lambda: listens(system.ports.control))


def _runs(system: System, name: str) -> bool:
    return any(one.name == name for one in system.processes.running)


@contextmanager
def hanging(process: int) -> Iterator[None]:
    """One process does not go on until this block ends, as if its machine had stalled."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)
