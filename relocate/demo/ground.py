# SPDX-License-Identifier: Apache-2.0
"""What the demo's application runs on: clusters of ours, or those of another orchestrator. The same story is told on each."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from relocate.demo import site
from relocate.demo.today import POLL_SECONDS, Place, move_in_todays_order
from relocate.errors import NotProven
from relocate.model.application import Application
from relocate.model.cluster import Cluster
from relocate.model.placement import Placement
from relocate.parts import Parts
from steering.model import Fence

if TYPE_CHECKING:
    from relocate.demo.system import System

PATIENCE_SECONDS = 10.0
"""Longest time for anything of another orchestrator's."""
GONE_SECONDS = 20.0
"""Longest time for a deleted instance to end."""

T = TypeVar("T")


@dataclass(frozen=True)
class Today:
    """What a move in today's order works with, while it holds the application's lease."""

    system: "System"
    parts: Parts
    placed: Placement
    lease: int
    _fences: Iterator[Fence] = field(init=False)

    def __post_init__(self) -> None:
        fences = (Fence(lease=self.lease, sequence=number) for number in count(1))
        object.__setattr__(self, "_fences", fences)

    def next_fence(self) -> Fence:
        """Higher than every one before."""
        return next(self._fences)

    @contextmanager
    @staticmethod
    def begun(system: "System", parts: Parts) -> Iterator["Today"]:
        """While the block runs nobody else moves the application."""
        placed = parts.database.placements.active(site.OURS)
        if placed is None:
            raise RuntimeError(f"{site.OURS} is not placed")
        lease = parts.database.leases.take(site.OURS, "today")
        try:
            yield Today(system, parts, placed, lease)
        finally:
            parts.database.leases.give_back(site.OURS, "today")


class Ground(ABC):
    """Two clusters, and how the application comes there and moves between them."""

    today: str
    """How it is moved there without us, in a few words."""

    @abstractmethod
    async def start(self, system: "System") -> None:
        """Start what it needs besides the clusters' own processes, and wait until that answers."""

    @abstractmethod
    def clusters(self, system: "System") -> Sequence[Cluster]:
        """The two, as the service is told of them."""

    @abstractmethod
    def application(self, name: str, arguments: Sequence[str] = ()) -> Application:
        """The sample application under some name; `arguments` are what it is told besides."""

    @abstractmethod
    async def begin(self, system: "System", cluster: str) -> None:
        """Let the application serve from a cluster, as one that the service moves from now on."""

    @abstractmethod
    async def ask(self, client: httpx.AsyncClient, source: str, target: str, options: Mapping[str, Any]) -> str:
        """Ask the service for a move; the relocation's id."""

    @abstractmethod
    async def move_today(self, today: Today, source: str, target: str) -> None:
        """Move it in today's order."""


class OwnClusters(Ground):
    """Process clusters on which the service has instances run by itself."""

    today = "deployed on {target}, route pointed there, {source} deleted"

    async def start(self, system: "System") -> None:
        """Nothing more."""

    def clusters(self, system: "System") -> Sequence[Cluster]:
        """As `site` has them."""
        return site.clusters(system.ports)

    def application(self, name: str, arguments: Sequence[str] = ()) -> Application:
        """As `site` has it."""
        return site.application(name, arguments)

    async def begin(self, system: "System", cluster: str) -> None:
        """The service places it."""
        await system.place(site.OURS, cluster)

    async def ask(self, client: httpx.AsyncClient, source: str, target: str, options: Mapping[str, Any]) -> str:
        """A MEC decision engine asks, with both as candidates."""
        body = {
            "application": site.OURS,
            "candidates": [source, target],
            "cell": site.CELLS[target],
            "reason": f"the UE moved to {site.CELLS[target]}",
            "options": dict(options),
        }
        answer = await client.post("/relocate", json=body)
        return str(answer.raise_for_status().json()["id"])

    async def move_today(self, today: Today, source: str, target: str) -> None:
        """On the service's own parts; the placement is put right afterwards, so that ours can go on."""
        parts, instance = today.parts, f"{site.OURS}-today-{today.lease}"
        await move_in_todays_order(
            self.application(site.OURS),
            Place(source, await parts.driver(source), today.placed.instance),
            Place(target, await parts.driver(target), instance),
            adapters={site.GATEWAY: await parts.adapter(site.GATEWAY)},
            next_fence=today.next_fence,
        )
        # What it loses until it has ended belongs to today's order.
        gone, old = (await parts.driver(source)).gone, today.placed.instance
        await until(lambda: gone(site.OURS, old), f"{old} did not end", GONE_SECONDS)
        made = Placement(
            application=site.OURS,
            cluster=target,
            instance=instance,
            active=True,
            created_by="today",
            created_at=datetime.now(UTC),
        )
        parts.database.placements.put(made)
        parts.database.placements.forget(site.OURS, source)


async def until(look: Callable[[], Awaitable[T]], otherwise: str, seconds: float = PATIENCE_SECONDS) -> T:
    """What a look finds, once that is something. Raises NotProven: nothing was found in time."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := await look()):  # noqa: ASYNC110 - another process's
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise NotProven(f"{otherwise} within {seconds:g} s") from error
    return found
