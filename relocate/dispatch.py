# SPDX-License-Identifier: Apache-2.0
"""The way in: requests become relocations, commands reach them. The API and its sweeper use nothing else of Temporal."""

from collections.abc import Sequence
from typing import Protocol, Self

from relocate.emco.workflows import Workflows
from relocate.model.placement import Placement
from relocate.model.relocation import Actor, RelocationRequest, View
from relocate.model.values import Payload
from relocate.store.acceptance import Accepted
from relocate.targets.contract import Decision


class DryRun(Payload):
    """What a relocation would do. Nothing was changed."""

    source: str | None
    target: str | None
    decision: Decision
    steps: tuple[str, ...]
    """One sentence for each phase, in order."""
    makes: tuple[str, ...] = ()
    """What would be made on the target, where its cluster tells."""
    problems: tuple[str, ...] = ()
    """Why it would not go through; empty if nothing is known to stand in the way."""


class Adoption(Payload):
    """What adopting a running application would find and change. Nothing was changed."""

    application: str
    cluster: str
    parts: tuple[str, ...] = ()
    """What was found: on the cluster, and at the gateways."""
    differences: tuple[str, ...] = ()
    """Where what runs is not as the application says: the next cluster gets what the application says."""
    changes: tuple[str, ...] = ()
    """What would be changed, a sentence each."""
    problems: tuple[str, ...] = ()
    """What stops it; empty if nothing is known to."""

    def and_(self, **more: Sequence[str]) -> Self:
        """With more of some of it."""
        return self.model_copy(update={name: (*getattr(self, name), *said) for name, said in more.items()})


class CommandResult(Payload):
    """What became of a command."""

    accepted: bool
    """False: it was refused, and nothing changed."""
    sentence: str


class Dispatch(Protocol):
    """What the front end asks of the orchestrator."""

    @property
    def workflows(self) -> Workflows:
        """Workflows of any kind."""

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

    async def adoption(self, application: str, cluster: str) -> Adoption:
        """What `adopt` would find and change. Raises NotFound, InvalidRequest; changes nothing."""

    async def adopt(self, application: str, cluster: str, actor: Actor) -> Placement:
        """Take over what runs there, and the routes that lead to it. Raises as `place`; a failure leaves all as it was."""

    async def release(self, application: str, actor: Actor) -> Placement:
        """Give back what was adopted; what it was. Raises as `place`; InvalidRequest where that is not what serves."""

    async def sweep(self) -> int:
        """Start what was accepted and not started; how many."""

    async def reachable(self) -> bool:
        """Whether Temporal answers."""
