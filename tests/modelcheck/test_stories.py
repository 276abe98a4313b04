# SPDX-License-Identifier: Apache-2.0
"""What the model check once found, told as stories; each broke an invariant before it was mended."""

import pytest

from relocate.model.relocation import Outcome, Status
from tests.modelcheck.bounds import Then
from tests.modelcheck.broken import Broken
from tests.modelcheck.stories import anything, tell


def test_a_move_without_trouble_completes() -> None:
    """Users are on B, A is gone, and nothing else was touched."""
    machine = tell(anything("plain"))
    assert machine.outcome is Outcome.COMPLETED
    assert sorted(machine.world.instances) == [("a", "someone-elses"), ("b", "app-r-1"), ("b", "someone-elses")]


def test_a_story_that_cannot_be_told_is_an_error() -> None:
    """A story whose moment never comes proves nothing."""
    with pytest.raises(AssertionError, match="it did not come to"):
        tell(anything("plain"), Then("bake", "the moon falls"))


def test_a_removed_instance_under_users_is_found() -> None:
    """The invariants see what the workflow does not: an instance that vanishes while users are sent to it."""
    machine = tell(anything("plain"), Then("bake", "somebody cancels"))
    with pytest.raises(Broken, match="removed-under-users"):
        machine.world.vanish(*machine.world.true_source)


def test_a_late_attempt_of_switch_that_lands_after_its_undo_changes_nothing() -> None:
    """The fence of the undo shuts it out; users stay on A."""
    machine = tell(
        anything("late switch"),
        Then("switch, before steer: apply", "an attempt of steer hangs"),
        Then("bake, before judge", "somebody cancels"),
        Then("bake, before remove", "the attempt of steer that hung goes on: apply"),
    )
    assert machine.outcome is Outcome.CANCELLED
    assert machine.late == []
    assert machine.world.gateways[0].row("app").document.weights == {"a": 100}


def test_retry_asks_by_probe_paths_that_were_really_written() -> None:
    """Found: after a failed write the probe paths were taken for granted, and one side's health was told by the other."""
    tell(
        anything("deaf at teardown"),
        Then("teardown, before steer: look", "a gateway instance is deaf"),
        Then("teardown, idle", "an operator says retry"),
    )


def test_retry_does_not_put_the_weight_back_on_a_side_that_was_left() -> None:
    """Found: after settling on A had failed half-way, renewing the probe paths gave B all the weight again, unproven."""
    tell(
        anything("settling on A fails"),
        Then("drain, before drain", "a gateway instance acknowledges and goes on as before"),
        Then("drain", "somebody cancels"),
        Then("drain, idle", "an operator says settle on a"),
        Then("drain, idle", "an operator says retry"),
    )


def test_settling_that_fails_half_way_is_undone_as_well() -> None:
    """Found: settling wrote both sides to the routes without an undo; going back left B on them."""
    machine = tell(
        anything("settling on B fails"),
        Then("deploy, before await_running", "an operator says hold"),
        Then("deploy, idle", "somebody cancels"),
        Then("deploy, before remove: begin", "remove is given up"),
        Then("deploy, idle", "an operator says settle on b"),
        Then("deploy, before steer: look", "evidence is refused"),
        Then("deploy, before steer: begin", "steer is tried until its time is over"),
        Then("deploy, idle", "evidence is taken again"),
        Then("deploy, idle", "an operator says retry"),
    )
    assert machine.outcome is Outcome.CANCELLED


def test_settling_removes_what_was_made_though_it_never_ran() -> None:
    """Found: settling on A before B was known to run left B's instance over."""
    machine = tell(
        anything("settling early"),
        Then("deploy, before deploy: deploy", "somebody cancels"),
        Then("deploy, before remove: forget", "remove is given up"),
        Then("deploy, idle", "an operator says settle on a"),
    )
    assert machine.outcome is Outcome.ROLLED_BACK
    assert list(machine.world.placements) == ["a"]


def test_settling_on_a_frozen_source_lets_it_resume() -> None:
    """Found: an operator who settled on A after the state had been brought to B left A frozen under its users."""
    machine = tell(
        anything("settling on A, frozen", transfer=True),
        Then("bake, before judge", "somebody cancels"),
        Then("bake, before steer", "steer is given up"),
        Then("bake, idle", "an operator says settle on a"),
    )
    assert machine.outcome is Outcome.ROLLED_BACK
    assert not machine.world.frozen


def test_a_removal_that_hung_until_its_run_was_abandoned_removes_nothing() -> None:
    """Found: nobody had taken the lease since, so it was let in, and A was removed though both sides were to be kept."""
    machine = tell(
        anything("abandoned"),
        Then("bake, before judge", "somebody cancels"),
        Then("bake, before steer", "steer is given up"),
        Then("bake, idle", "an operator says settle on b"),
        Then("bake, before remove: begin", "remove is given up, and its attempt hangs"),
        Then("bake, idle", "an operator says abandon"),
        Then("bake, idle", "the attempt of remove that hung goes on"),
    )
    assert machine.world.true_source in machine.world.instances


def test_proof_that_can_be_given_is_demanded_though_the_policy_waives_proof() -> None:
    """Found: with `unproven: allow`, A was removed although somebody else had changed the routes before the last look."""
    machine = tell(
        anything("unproven", policy=(("unproven", "allow"),)),
        Then("teardown, before check", "somebody else writes"),
    )
    assert machine.world.true_source in machine.world.instances


def test_settling_at_a_gateway_that_cannot_acknowledge_asks_by_probe_paths_that_were_seen() -> None:
    """Found: renewed probe paths were taken for granted there, and one side's health was told by the other."""
    tell(
        anything("mute", policy=(("unproven", "allow"),), mute=True),
        Then("deploy, before deploy: begin", "a gateway instance rejects"),
        Then("prepare, idle", "an operator says settle on b"),
    )


def test_a_change_before_our_first_write_is_seen_and_not_overwritten() -> None:
    """Found: while the first write had not come back, an undo took whatever stood there for its own."""
    machine = tell(
        anything("drift early"),
        Then("prepare, before steer: look at nothing", "somebody cancels"),
        Then("prepare, before steer: read", "somebody else writes"),
    )
    assert machine.status is Status.NEEDS_OPERATOR
