# SPDX-License-Identifier: Apache-2.0
"""The way in: requests become relocations, commands reach them. The API and its sweeper use nothing else of Temporal."""

from typing import Protocol

from relocate.model.placement import Placement
from relocate.model.relocation import Actor, RelocationRequest, View
from relocate.model.values import Payload
from relocate.store.relocations import Accepted
from relocate.targets.contract import Decision


class DryRun(Payload):
    """What a relocation would do. Nothing was changed."""

    source: str | None
    target: str | None
    decision: Decision
    steps: tuple[str, ...]
    """One sentence for each phase, in order."""
    problems: tuple[str, ...] = ()
    """Why it would not go through; empty if nothing is known to stand in the way."""


class CommandResult(Payload):
    """What became of a command."""

    accepted: bool
    """False: it was refused, and nothing changed."""
    sentence: str


class Dispatch(Protocol):
    """What the front end asks of the orchestrator."""

    async def accept(self, request: RelocationRequest, *, key: str | None, actor: Actor) -> Accepted:
        """Check, keep and start a request.

        Raises:
            NotFound: the application or a named cluster is unknown.
            InvalidRequest: the request does not fit what is placed or configured; `field` says where.
            AlreadyRelocating: another one runs.
            EngineUnavailable: Temporal cannot be asked; nothing was accepted.
        """

    async def dry_run(self, request: RelocationRequest) -> DryRun:
        """The plan and the ranking; raises as `accept`, and changes nothing."""

    async def cancel(self, identity: str, actor: Actor) -> View:
        """Ask for an undo; it is kept even while no worker runs. Raises NotFound, NotRunning, EngineUnavailable."""

    async def command(self, identity: str, name: str, actor: Actor, *, cluster: str | None = None) -> CommandResult:
        """`hold`, `proceed`, `retry`, `settle` (on `cluster`), `finish-cleanup` or `abandon`.

        Raises:
            NotFound, NotRunning, InvalidRequest (unknown command, or settle without a cluster), EngineUnavailable (a
            command that timed out may still take effect; the text says so).
        """

    async def place(self, application: str, cluster: str, actor: Actor) -> Placement:
        """Make the application's first placement and wait until it serves.

        Raises:
            NotFound, InvalidRequest (it is placed already), AlreadyRelocating, TargetFailed, EngineUnavailable.
        """

    async def sweep(self) -> int:
        """Start what was accepted and not started; how many."""

    async def reachable(self) -> bool:
        """Whether Temporal answers."""
