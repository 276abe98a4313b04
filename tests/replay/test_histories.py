# SPDX-License-Identifier: Apache-2.0
"""Runs that older versions began are gone on with by this one."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from relocate.workflow.emco import EmcoMigrate, EmcoRelocate
from relocate.workflow.placement import Place
from relocate.workflow.relocation import Relocate
from tests.workflow.run import replayer

FILES = sorted((Path(__file__).parent / "histories").glob("*.json"))
HISTORIES = {file.stem: file.read_text() for file in FILES}


@pytest.mark.parametrize("name", list(HISTORIES))
async def test_a_recorded_history_takes_the_same_way_again(name: str) -> None:
    """Every command that was recorded is given again, in the same order."""
    await replayer().replay_workflow(WorkflowHistory.from_json(name, HISTORIES[name]))


@pytest.mark.parametrize("workflow", [Relocate, Place, EmcoMigrate, EmcoRelocate])
def test_every_workflow_has_a_history(workflow: type) -> None:
    """Without one, a change that open runs cannot bear would go unseen."""
    assert [name for name in HISTORIES if name.startswith(workflow.__name__.lower())]


async def test_a_history_that_was_changed_is_refused() -> None:
    """The replay can fail: a recorded activity of another name does not fit the runbook."""
    text = HISTORIES["relocate-completed"].replace('"name": "deploy"', '"name": "destroy"')
    assert "destroy" in text
    with pytest.raises(Exception, match=r"destroy|[Nn]ondeterminism"):
        await replayer().replay_workflow(WorkflowHistory.from_json("changed", text))
