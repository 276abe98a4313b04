# SPDX-License-Identifier: Apache-2.0
import pytest


@pytest.fixture
def running(relocate):
    """A relocation that runs."""
    relocate("start", "assist", "--target", "mec-b")


@pytest.mark.parametrize("name", ["hold", "proceed", "retry", "finish-cleanup", "abandon"])
def test_commands_reach_the_orchestrator(relocate, running, dispatch, name):
    """A command is given with its reason, and its answer is a sentence."""
    result = relocate(name, "r-1", "--why", "I say so")
    assert (result.exit_code, result.stdout) == (0, f"Accepted: {name}.\n")
    assert dispatch.actors[-1].why == "I say so"


def test_settle_names_a_side(relocate, running):
    """Settling needs the side to stay on."""
    assert relocate("settle", "r-1", "mec-a").stdout == "Accepted: settle.\n"
    assert relocate("settle", "r-1").exit_code == 2


def test_cancel_is_asked_for(relocate, running, dispatch):
    """A cancel is told as asked for."""
    result = relocate("cancel", "r-1", "--why", "changed my mind")
    assert (result.exit_code, result.stdout) == (0, "r-1: asked for; it stands at: accepted. Undoing.\n")
    assert dispatch.actors[-1].why == "changed my mind"


def test_refusal_exits_with_3(relocate, running, dispatch):
    """A command that is refused exits with 3 and says why."""
    dispatch.refusing = True
    result = relocate("proceed", "r-1")
    assert (result.exit_code, result.stderr) == (3, "The command was refused: There is nothing to proceed now.\n")


def test_engine_away_is_told(relocate, running, dispatch):
    """While Temporal is away the server refuses, and says so."""
    dispatch.down = True
    result = relocate("hold", "r-1")
    assert result.exit_code == 3
    assert "Temporal cannot be asked now" in result.stderr
