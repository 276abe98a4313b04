# SPDX-License-Identifier: Apache-2.0
"""What Temporal is asked about workflows of any kind, ours or somebody else's, by ids that callers choose."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from relocate.emco.clients import Invocation
from relocate.model.values import Payload


class Started(Payload):
    """A workflow of that id runs, or has run."""

    workflow: str
    run: str
    already: bool
    """It had been started before, and nothing was started now."""


class Question(Payload):
    """What somebody wants to know of a workflow."""

    workflow: str
    run: str = ""
    """Empty: the latest."""
    waits: bool = False
    """For its end, for a while; everything else is looked at then."""
    description: bool = False
    history: bool = False
    query: str = ""
    """Name of a query that has a text as its answer; empty: none."""


class Answer(Payload):
    """What was asked for; messages are as Go writes them."""

    description: Mapping[str, Any] = {}
    history: Sequence[Mapping[str, Any]] | None = None
    query: str | None = None
    result: Any = None
    """Of a workflow that was waited for, and completed."""
    failure: str = ""
    """Why one that was waited for did not complete."""


class Workflows(Protocol):
    """Temporal, as workflowmgr uses it. Everything but `start` raises NotFound for an unknown workflow, and EngineUnavailable."""

    async def start(self, invocation: Invocation) -> Started:
        """Start it, with the options as they are. An empty id becomes a random one.

        Raises:
            InvalidRequest: Temporal refuses the options; the text is Temporal's.
            AlreadyStarted: a workflow of that id had been started, and the options say that this is an error.
            EngineUnavailable: Temporal did not answer; the text says whether it may have been started.
        """

    async def project_of(self, workflow: str, run: str) -> str:
        """Whose it is: the project of the invocation that started it; empty: of nobody's in particular."""

    async def look(self, question: Question) -> Answer:
        """What is asked for.

        Raises:
            InvalidRequest: there is no such query; the text names those that there are.
            EngineUnavailable: Temporal, or for a query a worker, did not answer.
        """

    async def cancel(self, workflow: str, run: str) -> None:
        """Ask it to end as it sees fit. One that has ended stays as it is."""

    async def terminate(self, workflow: str, run: str, reason: str, details: Sequence[Any]) -> None:
        """End it, without asking it.

        Raises:
            NotRunning: it has ended.
        """
