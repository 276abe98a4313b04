# SPDX-License-Identifier: Apache-2.0
"""What the record says of one write follows from the samples beside it, also when the write was given up."""

import pytest

from relocate.activities.orders import SteerOrder
from relocate.activities.progress import Progress
from relocate.activities.steering_claims import given_up, proofs, without_tokens, written
from relocate.activities.ways import Stretch
from relocate.evidence.invariants.story import Story
from relocate.evidence.record import Record
from relocate.evidence.rules import why_not_followed
from relocate.evidence.samples import WrittenDocument
from relocate.model.application import Application
from relocate.model.chain import GENESIS, chained
from relocate.model.evidence import Claim
from relocate.model.relocation import Phase
from relocate.phases import documents
from relocate.phases.proof import Answer
from steering.adapters.memory import MemoryAdapter
from steering.memory import MemoryGateway, MemorySettings
from steering.model import Acknowledgement, Backend, Endpoint, Fence, InstanceAcknowledgement, ProbePath
from tests.evidence.smallest import smallest

APPLICATION = Application.model_validate(
    {
        "name": "assist",
        "workloads": {"memory": {}},
        "routes": [{"name": "web", "hosts": ["assist.test"], "gateways": ["edge"], "ports": [{"name": "http"}]}],
        "readiness": {"probes": [{"kind": "http"}]},
    }
)
FENCE = Fence(lease=1, sequence=2)
EPOCH = documents.epoch_of("rel-1", FENCE)
BOTH = ("edge-1", "edge-2")


def order(**says: object) -> SteerOrder:
    """Everything goes to mec-b."""
    side = Backend(name="mec-b", instance="assist-1", endpoints={"http": (Endpoint(host="127.0.0.1", port=80),)})
    base = {"relocation": "rel-1", "application": APPLICATION, "phase": Phase.SWITCH, "fence": FENCE, "probes": 3}
    return SteerOrder.model_validate({**base, "sides": documents.only(side), **says})


def progress(steer: SteerOrder, answers: dict[str, list[Answer]], states: dict[str, Acknowledgement]) -> Progress:
    """How far a write has come: what each instance said, and what came back through it."""
    route = APPLICATION.routes[0]
    adapter = MemoryAdapter(MemoryGateway(MemorySettings(instances=BOTH)))
    document = documents.document(APPLICATION.name, route, steer.sides, EPOCH)
    made = Progress(Stretch(route, "edge", adapter), "7", 0.0, document)
    made.answers = [InstanceAcknowledgement(instance=name, state=state) for name, state in states.items()]
    made.acknowledged = {one.instance: one for one in made.answers if one.state is Acknowledgement.APPLIED}
    made.expected = [name for name, state in states.items() if state is not Acknowledgement.DEAD]
    made.asked = {name: (1, given) for name, given in answers.items()}
    made.proven = {name: 0.1 for name, given in answers.items() if all(one.side == "mec-b" for one in given)}
    return made


def right(instance: str, side: str = "mec-b") -> list[Answer]:
    """Three answers."""
    return [Answer(instance=instance, epoch=EPOCH, side=side, at=1.0)] * 3


def record(*claims: Claim) -> Record:
    """A record that says just this."""
    empty, previous, entries = smallest(), GENESIS, []
    for number, claim in enumerate(claims, start=1):
        entries.append(chained(empty.relocation, number, previous, claim, empty.made_at))
        previous = entries[-1].digest
    return empty.model_copy(update={"entries": tuple(entries)})


def why_not_live(found: Record) -> str | None:
    """Whether the record shows that its one write was live."""
    story = Story(found)
    ((_, wrote),) = story.of(WrittenDocument)
    return story.why_not_live(("edge", "web"), wrote)


APPLIED, PENDING, DEAD = Acknowledgement.APPLIED, Acknowledgement.PENDING, Acknowledgement.DEAD


def test_a_write_that_is_live_follows_from_what_is_kept() -> None:
    """What each instance said, and each answer that came back through it."""
    steer = order()
    made = progress(steer, {name: right(name) for name in BOTH}, dict.fromkeys(BOTH, APPLIED))
    found = record(written(steer, made), *proofs(steer, made))
    assert why_not_followed(found) == []
    assert why_not_live(found) is None
    assert [entry.claim.rung for entry in found.entries] == ["E0", "E1", "E2", "E2", "E2", "E3", "E3"]


def test_a_dead_instance_need_not_answer() -> None:
    """It is left out, and the record says that it was dead."""
    steer = order()
    made = progress(steer, {"edge-1": right("edge-1")}, {"edge-1": APPLIED, "edge-2": DEAD})
    found = record(written(steer, made), *proofs(steer, made))
    assert why_not_followed(found) == []
    assert why_not_live(found) is None


def test_a_write_that_moves_no_traffic_is_live_by_acknowledgements() -> None:
    """Nobody was asked for proving answers, and none are missed."""
    steer = order(seen=False)
    made = progress(steer, {}, dict.fromkeys(BOTH, APPLIED))
    made.proven = dict.fromkeys(BOTH, 0.1)
    found = record(written(steer, made), *proofs(steer, made))
    assert why_not_followed(found) == []
    assert why_not_live(found) is None


def test_what_is_live_and_fails_speaks_against_going_on() -> None:
    """A document that moves no traffic may lead to a dead side: its answers are kept, and do not hold."""
    steer = order(healthy=False)
    failed = [Answer(instance="edge-1", epoch=EPOCH, failure="503", at=1.0)]
    made = progress(steer, {"edge-1": failed, "edge-2": right("edge-2")}, dict.fromkeys(BOTH, APPLIED))
    made.failing, made.proven = {"edge-1": "edge-1: 503"}, dict.fromkeys(BOTH, 0.1)
    found = record(written(steer, made), *proofs(steer, made))
    assert why_not_followed(found) == []
    assert [entry.claim.instance for entry in found.entries if not entry.claim.holds] == ["edge-1"]


@pytest.mark.parametrize(
    ("states", "answers", "why"),
    [
        ({"edge-1": APPLIED, "edge-2": PENDING}, {"edge-1": right("edge-1")}, "nothing shows that epoch"),
        (
            dict.fromkeys(BOTH, APPLIED),
            {"edge-1": right("edge-1"), "edge-2": right("edge-2", "mec-a")},
            "nothing shows",
        ),
    ],
)
def test_a_write_that_is_given_up_leaves_what_was_seen(
    states: dict[str, Acknowledgement], answers: dict[str, list[Answer]], why: str
) -> None:
    """The reason, who had it, and the answers that did not fit; nothing of it counts as proof."""
    steer = order()
    made = progress(steer, answers, states)
    found = record(written(steer, made), *given_up(steer, made, why="not live after 20 s"))
    assert why_not_followed(found) == []
    assert why in (why_not_live(found) or "")
    assert any(not entry.claim.holds and entry.claim.sentence == "not live after 20 s" for entry in found.entries)


def test_a_record_holds_no_probe_token() -> None:
    """More people read it than may probe."""
    document = progress(order(), {}, {}).document
    secret = "secret" * 4
    path = ProbePath(backend="mec-b", token=secret, expires_at=smallest().made_at)
    hidden = without_tokens(document.model_copy(update={"probe_paths": (path,)}))
    assert "secret" not in hidden.model_dump_json()
    assert len(hidden.probe_paths[0].token) == 64
