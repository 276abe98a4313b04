# SPDX-License-Identifier: Apache-2.0
"""All instances of one agent: which there are, which are being removed."""

import asyncio
import shutil
import sys
from pathlib import Path

from relocate.clusters.contract import InstanceState
from relocate.clusters.fencing import Fences
from relocate.clusters.process import marks
from relocate.clusters.process.instance import Instance, Place
from relocate.clusters.process.ports import NoPortLeft, Ports
from relocate.clusters.process.wire import INSTANCE, PLACEHOLDER, Order, Status
from steering.model import Fence

Key = tuple[str, str]
"""Application and instance."""


class Impossible(Exception):
    """This order can never be carried out; the text names the field of the workload, without `workloads.process`."""

    def __init__(self, field: str, reason: str) -> None:
        """Args: field: of the workload, empty for all of it; reason: why, and what is allowed."""
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field


class Conflict(Exception):
    """An instance of this name exists already, with other settings."""


class Busy(Exception):
    """Not now; asking again may help."""


class Owner:
    """The instances of one agent. Methods may run at the same time: an instance is registered before it is awaited."""

    def __init__(self, cluster: str, host: str, logs: Path, mark: str) -> None:
        """Args: mark: what the marks of all instances begin with, unique on this machine."""
        self._cluster = cluster
        self._host = host
        self._logs = logs
        self._mark = mark
        self._ports = Ports(host)
        self._instances: dict[Key, Instance] = {}
        self._removals: dict[Key, asyncio.Task[None]] = {}
        self._fences = Fences()
        self._closing = False

    async def deploy(self, key: Key, order: Order, fence: Fence | None) -> Status:
        """The instance, started unless it exists.

        Args:
            key: which instance.
            order: what it is.
            fence: under which it is ordered; None looks what would come of it, and starts nothing.

        Raises:
            Impossible: the order makes no sense on this machine.
            Conflict: there is an instance of that name with other settings.
            Busy: it is still being removed, or no port is free now.
            StaleFence: a newer order for this instance has been here.
        """
        if fence is not None:
            self.advance(key, fence)
        existing = self._instances.get(key)
        if key in self._removals or self._closing:
            raise Busy(f"{key[1]} is being removed; ask again when it is gone")
        if existing is not None:
            if existing.order != order:
                raise Conflict(f"{key[1]} exists with other settings; give another instance name, or remove it first")
            return await existing.status()
        self._check(key, order)
        return self._absent(key) if fence is None else await self._start(key, order)

    async def status(self, key: Key) -> Status:
        """The instance now, also when there is none."""
        instance = self._instances.get(key)
        return self._absent(key) if instance is None else await instance.status()

    async def all(self) -> list[Status]:
        """Every instance now, by name."""
        return [await self._instances[key].status() for key in sorted(self._instances)]

    def advance(self, key: Key, fence: Fence) -> None:
        """Take note of a fence. They die with the agent, as its instances do.

        Raises:
            StaleFence: a newer order for this instance has been here.
        """
        self._fences.admit(*key, fence)

    def remove(self, key: Key, fence: Fence) -> None:
        """Begin to end the instance; nothing happens when there is none, or when it has begun.

        Raises:
            StaleFence: a newer order for this instance has been here.
        """
        self.advance(key, fence)
        self._begin_to_end(key)

    def _begin_to_end(self, key: Key) -> None:
        if key in self._instances and key not in self._removals:
            self._removals[key] = asyncio.create_task(self._end(key))

    async def close(self) -> None:
        """End every instance, each with its own grace time, and wait for it."""
        self._closing = True
        for key in self._instances:
            self._begin_to_end(key)
        await asyncio.gather(*self._removals.values())

    def _check(self, key: Key, order: Order) -> None:
        if not INSTANCE.fullmatch(key[1]):
            raise Impossible("", f"instance {key[1]!r}: must match {INSTANCE.pattern}")
        program = PLACEHOLDER.sub(
            lambda found: sys.executable if found["port"] is None else "0", order.workload.command[0]
        )
        if shutil.which(program) is None:
            raise Impossible("command", f"{program!r} is no program that this agent can run")

    async def _start(self, key: Key, order: Order) -> Status:
        application, name = key
        try:
            ports = self._ports.take(order.ports)
        except NoPortLeft as error:
            raise Busy(str(error)) from error
        place = Place(self._cluster, self._host, ports, self._mark_of(key), self._logs / f"{application}.{name}")
        instance = self._instances[key] = Instance(application, name, order, place)
        try:
            await instance.begin()
        except (OSError, ValueError) as error:
            self._instances.pop(key, None)
            raise Impossible("command", f"cannot be started: {error}") from error
        return await instance.status()

    async def _end(self, key: Key) -> None:
        try:
            await self._instances[key].end()
        finally:
            self._instances.pop(key, None)
            del self._removals[key]

    def _absent(self, key: Key) -> Status:
        gone = not marks.any_marked(self._mark_of(key))
        reason = "this agent has no instance of that name"
        return Status(application=key[0], instance=key[1], state=InstanceState.ABSENT, reason=reason, gone=gone)

    def _mark_of(self, key: Key) -> str:
        return f"{self._mark}/{key[0]}/{key[1]}"
