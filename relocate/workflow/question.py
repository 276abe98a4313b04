# SPDX-License-Identifier: Apache-2.0
"""Asking people, and waiting for as long as it takes."""

from temporalio import workflow

from relocate.model.relocation import Status
from relocate.workflow.desk import Command, CommandOrder, Desk
from relocate.workflow.journal import Journal


async def ask(
    journal: Journal, desk: Desk, status: Status, sentence: str, next_step: str, *commands: Command
) -> CommandOrder:
    """Wait for one of the commands.

    Args:
        journal: where the question is shown; afterwards the run has the status that it had before.
        desk: where the answer arrives.
        status: `held` or `needs_operator`.
        sentence: what happened.
        next_step: what each command would do.
        commands: what may be answered.
    """
    before = journal.view.status
    desk.ask(frozenset(commands))
    journal.tell(status=status, sentence=sentence, next_step=next_step)
    await journal.keep()
    await workflow.wait_condition(lambda: desk.answered)
    journal.tell(status=before, next_step="")
    return desk.answer()
