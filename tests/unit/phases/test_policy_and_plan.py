# SPDX-License-Identifier: Apache-2.0
"""How one relocation goes, and how that is said beforehand."""

import pytest

from relocate.model.application import Application, Drain, Policy
from relocate.model.relocation import Overrides, Phase
from relocate.phases.plan import sentences
from relocate.phases.policy import gate_of, policy_of

APPLICATION = Application.model_validate(
    {
        "name": "app",
        "workloads": {"memory": {}},
        "routes": [
            {"name": name, "hosts": [f"{name}.test"], "gateways": gateways, "ports": [{"name": "http"}]}
            for name, gateways in (("web", ["edge", "core"]), ("maps", ["edge"]))
        ],
        "readiness": {"probes": [{"kind": "http"}], "stable_seconds": 3, "deadline_seconds": 40},
        "policy": {"bake_seconds": 7, "steps": [10, 100], "waived_instances": ["edge-9"]},
    }
)
SAID = {
    "steps": (100,),
    "hold_seconds": 0.0,
    "bake_seconds": 0.0,
    "drain": Drain(at_deadline="force"),
    "unproven": "allow",
    "waived_instances": (),
    "probes_per_instance": 3,
}


def test_without_overrides_the_applications_policy_stands() -> None:
    """Nothing said, nothing changed."""
    assert policy_of(APPLICATION, Overrides()) == APPLICATION.policy
    assert gate_of(APPLICATION, Overrides()) == APPLICATION.readiness


@pytest.mark.parametrize("field", list(SAID))
def test_each_override_wins_and_touches_nothing_else(field: str) -> None:
    """Also where it says zero or nothing, which is not the same as saying nothing."""
    policy = policy_of(APPLICATION, Overrides.model_validate({field: SAID[field]}))
    assert getattr(policy, field) == SAID[field]
    others = set(Policy.model_fields) - {field}
    assert policy.model_dump(include=others) == APPLICATION.policy.model_dump(include=others)


def test_every_field_of_the_policy_can_be_overridden() -> None:
    """A field that a policy gains later must be offered to requests too."""
    assert set(Policy.model_fields) <= set(Overrides.model_fields)


def test_the_gates_deadline_can_be_overridden() -> None:
    """Only the deadline; probes and stability stay."""
    gate = gate_of(APPLICATION, Overrides(ready_deadline_seconds=5))
    assert gate == APPLICATION.readiness.model_copy(update={"deadline_seconds": 5})


def test_without_a_target_there_is_no_plan() -> None:
    """Nothing would be done."""
    assert sentences("mec-a", None, APPLICATION, Overrides()) == []


def test_a_plan_has_one_sentence_for_each_phase() -> None:
    """In order, each under its phase's name, with the numbers that count."""
    plan = sentences("mec-a", "mec-b", APPLICATION, Overrides(bake_seconds=9))
    assert [sentence.partition(":")[0] for sentence in plan] == list(Phase)
    assert "edge, core learn mec-b" in plan[2]
    assert "1 checks (all) must hold for 3 s" in plan[3]
    assert "10 %, 100 %" in plan[5]
    assert "9 s while mec-a stays whole" in plan[6]


def test_a_plan_without_a_bake_says_so() -> None:
    """Nothing is watched for no time."""
    assert sentences("mec-a", "mec-b", APPLICATION, Overrides(bake_seconds=0))[6] == "bake: nothing, bake_seconds is 0."
