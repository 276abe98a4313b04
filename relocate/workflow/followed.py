# SPDX-License-Identifier: Apache-2.0
"""A relocation that is a part of another workflow tells that one which phase it is in."""

import asyncio
from contextlib import suppress
from itertools import count

from temporalio import workflow
from temporalio.exceptions import FailureError

from relocate.model.relocation import Phase
from relocate.model.values import Payload

SIGNAL = "relocation-phase"
"""What the other workflow takes: one `Entered`."""


class Entered(Payload):
    """A phase has begun."""

    number: int
    """Rises with every phase: signals may overtake each other."""
    phase: Phase


class Follower:
    """The workflow that has started this one. Whether it hears anything is its own business: nothing waits for it."""

    def __init__(self) -> None:
        """Of the workflow that runs."""
        self._numbers = count(1)
        self._telling: set[asyncio.Task[None]] = set()

    def hears(self, phase: Phase) -> None:
        """`phase` begins."""
        task = asyncio.create_task(self._tell(Entered(number=next(self._numbers), phase=phase)))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, entered: Entered) -> None:
        parent = workflow.info().parent
        if parent is None:
            return
        # It may have ended; what becomes of us then is said by its parent close policy.
        with suppress(FailureError):
            handle = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
            await handle.signal(SIGNAL, entered)
