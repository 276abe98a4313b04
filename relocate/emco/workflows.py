# SPDX-License-Identifier: Apache-2.0
"""What Temporal is asked about workflows of any kind, ours or somebody else's, by ids that callers choose."""

from typing import Protocol

from relocate.emco.clients import Invocation
from relocate.model.values import Payload


class Started(Payload):
    """A workflow of that id runs, or has run."""

    workflow: str
    run: str
    already: bool
    """It had been started before, and nothing was started now."""


class Workflows(Protocol):
    """Temporal, as workflowmgr uses it."""

    async def start(self, invocation: Invocation) -> Started:
        """Start it, with the options as they are. An empty id becomes a random one.

        Raises:
            InvalidRequest: Temporal refuses the options; the text is Temporal's.
            AlreadyStarted: a workflow of that id had been started, and the options say that this is an error.
            EngineUnavailable: Temporal did not answer; the text says whether it may have been started.
        """
