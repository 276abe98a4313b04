# SPDX-License-Identifier: Apache-2.0
"""What is searched and what is played: small enough for every run of the tests, and larger by command."""

from dataclasses import replace

from tests.modelcheck.bounds import TWO_GATEWAYS, Bounds, Then

SHORT_HOLD = (("drain", {"at_deadline": "hold", "window_seconds": 1, "deadline_seconds": 3}),)
SHORT_FORCE = (("drain", {"at_deadline": "force", "window_seconds": 1, "deadline_seconds": 3}),)
STEPS = (("steps", (50, 100)), *SHORT_HOLD)
THREE = ("a", "b", "c")
WAIVED_FIRST = (("waived_instances", ("edge-1",)),)
WAIVED_SECOND = (("waived_instances", ("edge-2",)),)
UNPROVEN = (("unproven", "allow"),)

GIVEN_UP_UNMADE = (
    Then("drain, before drain", "somebody cancels"),
    Then("drain, before health", "health is given up"),
    Then("drain, idle", "an operator says settle on a"),
    Then("drain, before steer: read", "steer is given up"),
    Then("drain, idle", "an operator says retry"),
)
LATE_REMOVAL_OF_B = (
    Then("deploy, before await_running", "an operator says hold"),
    Then("deploy, idle", "somebody cancels"),
    Then("deploy, before remove: remove", "remove is given up, and its attempt hangs"),
)
LATE_REMOVAL_OF_A = (
    Then("bake, before judge", "somebody cancels"),
    Then("bake, before health", "health is given up"),
    Then("bake, idle", "an operator says settle on b"),
    Then("bake, before remove: remove", "remove is given up, and its attempt hangs"),
)

UNPROVABLE = Bounds("a gateway that can prove nothing, and no waiver", mute=True, crash=1, cancel=1, event=1)
SMALL = (
    Bounds("a worker dies, and something happens", policy=SHORT_HOLD, crash=1, event=1),
    Bounds("a stale writer, and a worker that dies", late=1, crash=1),
    Bounds("a stale writer at two gateways", gateways=TWO_GATEWAYS, late=1),
    Bounds("a cancel at any moment, twice", cancel=2),
    Bounds("a hold, and a cancel", hold=1, cancel=1),
    Bounds("an operator after two failures", expiry=2, answer=1),
    Bounds("an operator after something happened", policy=SHORT_HOLD, event=1, answer=1),
    Bounds("a stateful application is cancelled", transfer=True, cancel=1, crash=1),
    Bounds("in steps, and something happens", policy=STEPS, event=1),
    Bounds("three clusters, and something happens", clusters=THREE, event=1),
    Bounds("a write that was given up before it was made", begins=GIVEN_UP_UNMADE, event=1, answer=1),
    Bounds("a late removal of the target, and an operator", begins=LATE_REMOVAL_OF_B, answer=2),
    Bounds("a late removal of the source, and an operator", begins=LATE_REMOVAL_OF_A, answer=2),
    UNPROVABLE,
)
"""Less than a minute of one core, all of them together."""

LARGE = (
    Bounds("a stale writer, and a cancel", late=1, cancel=1),
    Bounds("a stale writer at two gateways, given up", gateways=TWO_GATEWAYS, late=1, expiry=1),
    Bounds("a hold, an answer and a cancel", hold=1, answer=1, cancel=1),
    Bounds("something happens, and a cancel", policy=SHORT_HOLD, event=1, cancel=1, answer=1),
    Bounds("two things happen", policy=SHORT_HOLD, event=2, answer=1),
    Bounds("a stale writer, something happens, a cancel", late=1, event=1, cancel=1),
    Bounds("a stale writer, given up, an operator", late=1, expiry=1, answer=2),
    Bounds("two operators' answers after two failures", expiry=2, answer=2, cancel=1),
    Bounds("two gateways, something happens, a cancel", gateways=TWO_GATEWAYS, event=1, cancel=1),
    Bounds("there and back with a stale writer", runs=2, late=1, crash=1),
)
"""Minutes to hours each; by command."""

_PLENTY = Bounds("", policy=SHORT_HOLD, crash=2, late=2, expiry=2, event=3, cancel=2, hold=1, answer=3)

PLAYED = (
    replace(_PLENTY, name="two instances"),
    replace(_PLENTY, name="two gateways", gateways=TWO_GATEWAYS),
    replace(_PLENTY, name="one instance", gateways=(("edge", ("edge-1",)),)),
    replace(_PLENTY, name="in steps", policy=STEPS),
    replace(_PLENTY, name="forced", policy=SHORT_FORCE),
    replace(_PLENTY, name="stateful", transfer=True),
    replace(_PLENTY, name="three clusters", clusters=THREE),
    replace(_PLENTY, name="there and back", runs=2),
    replace(_PLENTY, name="the instance that fails is waived", policy=(*SHORT_HOLD, *WAIVED_FIRST)),
    replace(_PLENTY, name="an instance is waived, another one fails", policy=(*SHORT_HOLD, *WAIVED_SECOND)),
    replace(_PLENTY, name="proof is waived, and can be given", policy=(*SHORT_HOLD, *UNPROVEN)),
    replace(_PLENTY, name="proof is waived at mute gateways", policy=(*SHORT_HOLD, *UNPROVEN), mute=True),
    replace(
        _PLENTY,
        name="two mute gateways, and a waived instance",
        gateways=(("east", ("east-1", "east-2")), ("west", ("west-1",))),
        policy=(*SHORT_HOLD, *UNPROVEN, ("waived_instances", ("east-2",))),
        mute=True,
    ),
)
"""What schedules are drawn from: far beyond what can be searched."""
