# SPDX-License-Identifier: Apache-2.0
import json

from relocate.dispatch import DryRun
from relocate.targets.contract import Decision


def test_start_says_how_to_follow(relocate, database):
    """A relocation that was accepted is told with its id."""
    result = relocate("start", "assist", "--target", "mec-b", "--source", "mec-a", "--reason", "the user moved")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "r-1: assist, mec-a -> mec-b: accepted. Follow it with `relocate watch r-1`.\n"
    assert database.relocations.get("r-1").request.reason == "the user moved"


def test_candidates_and_labels_are_sent(relocate, database):
    """Everything that one can choose by reaches the server."""
    relocate("start", "assist", "--candidate", "mec-a", "--candidate", "mec-b", "--label", "tier=edge", "--cell", "c1")
    request = database.relocations.get("r-1").request
    assert request.candidates == ("mec-a", "mec-b")
    assert request.labels == {"tier": "edge"}
    assert request.cell == "c1"


def test_label_needs_a_value(relocate):
    """A label is a name and a value."""
    result = relocate("start", "assist", "--label", "edge")
    assert (result.exit_code, result.stderr) == (2, "--label: 'edge' must be NAME=VALUE\n")


def test_key_makes_repeating_safe(relocate):
    """The same key and request give the same relocation; another request with it is refused."""
    first = relocate("start", "assist", "--target", "mec-b", "--idempotency-key", "k", "-o", "json")
    again = relocate("start", "assist", "--target", "mec-b", "--idempotency-key", "k", "-o", "json")
    assert json.loads(first.stdout)["id"] == json.loads(again.stdout)["id"] == "r-1"
    other = relocate("start", "assist", "--target", "mec-a", "--idempotency-key", "k")
    assert other.exit_code == 3
    assert "The Idempotency-Key was used for another request" in other.stderr


def test_running_relocation_is_named(relocate):
    """An application that is being relocated is refused, with the command that shows the other one."""
    relocate("start", "assist", "--target", "mec-b")
    result = relocate("start", "assist", "--target", "mec-b")
    assert result.exit_code == 3
    assert result.stderr == (
        "The application is being relocated: assist is being relocated by r-1\nSee `relocate status r-1`.\n"
    )


def test_bad_request_names_the_field(relocate):
    """What makes no sense is refused with its field."""
    result = relocate("start", "assist", "--target", "mec-b", "--candidate", "mec-a")
    assert result.exit_code == 3
    assert "target: stands alone, without candidates or labels" in result.stderr


def test_unknown_application_is_told(relocate):
    """An unknown name is told as such."""
    result = relocate("start", "nobody", "--target", "mec-b")
    assert result.exit_code == 3
    assert "no application is called nobody" in result.stderr


def test_dry_run_changes_nothing(relocate, database):
    """A dry run tells the decision and the steps, and starts nothing."""
    result = relocate("start", "assist", "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "It would go mec-a -> mec-b. Nothing was changed.",
        "Decision (builtin): mec-b is nearest.",
        "  mec-b  80",
        "1. An instance is put on mec-b.",
    ]
    assert database.relocations.list() == []


def test_dry_run_with_problems_fails(relocate, dispatch, monkeypatch):
    """A dry run that finds a problem exits with 1."""

    async def dry_run(request):
        return DryRun(
            source="mec-a", target=None, decision=Decision(selector="builtin"), steps=(), problems=("No room.",)
        )

    monkeypatch.setattr(dispatch, "dry_run", dry_run)
    result = relocate("start", "assist", "--dry-run")
    assert result.exit_code == 1
    assert "Problem: No room." in result.stdout
