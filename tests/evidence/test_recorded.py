# SPDX-License-Identifier: Apache-2.0
"""Records that real workers made verify, and their verdict says what happened."""

import json

import jsonschema
import pytest

from relocate.evidence.envelope import decoded
from relocate.evidence.invariants import why_not_kept
from relocate.evidence.rules import why_not_followed
from relocate.evidence.schema import evidence_schema, schema_text
from tests.docs.pages import DOCS
from tests.evidence.forging import KEY, RECORDS, checked, recorded, signed

NAMES = sorted(path.stem for path in RECORDS.glob("*.json"))


def test_there_is_one_of_each_outcome() -> None:
    """A completed one, one that went back, a cancelled one, one that was settled, one that was forced, one that asks."""
    assert NAMES == ["asking", "cancelled", "completed", "forced-drain", "rolled-back", "settled"]


@pytest.mark.parametrize("name", NAMES)
def test_a_record_agrees_with_its_samples(name: str) -> None:
    """Every claim follows once more, and no invariant is broken."""
    verification = checked(recorded(name))
    assert verification.disagreements == ()
    assert verification.agrees
    assert verification.recomputed > verification.entries / 2


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        (
            "completed",
            ["completed", "2 gateway instances have the last document", "nobody used", "for 0.3 s (counted)"],
        ),
        ("rolled-back", ["rolled back", "failed and 0 were wrong (sampled every 100 ms; with 95% confidence"]),
        ("cancelled", ["cancelled"]),
        ("settled", ["completed"]),
        (
            "forced-drain",
            [
                "completed (at least 1 requests and streams were cut)",
                "at least 1 requests and streams on",
                "given up by name",
            ],
        ),
        ("asking", ["not ended, it stands at needs operator"]),
    ],
)
def test_the_verdict_says_what_happened(name: str, sentences: list[str]) -> None:
    """In one sentence, with what was counted and what was sampled."""
    verdict = checked(recorded(name)).verdict
    assert [sentence for sentence in sentences if sentence not in verdict] == []


def test_a_relocation_that_still_runs_is_a_snapshot() -> None:
    """It agrees with itself, and says that it proves no outcome."""
    verification = checked(recorded("asking"))
    assert verification.agrees
    assert not verification.ended


@pytest.mark.parametrize("name", NAMES)
def test_every_beginning_of_a_record_keeps_the_invariants(name: str) -> None:
    """They can be asked of a relocation at any moment, as the chaos run does."""
    record = recorded(name)
    running = record.view.model_copy(update={"status": "running", "outcome": None})
    for length in range(len(record.entries) + 1):
        begun = record.model_copy(update={"entries": record.entries[:length], "view": running})
        assert why_not_kept(begun) == []
        assert why_not_followed(begun) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_is_as_its_schema_says(name: str) -> None:
    """What is signed passes the published schema."""
    envelope = json.loads(signed(recorded(name)))
    jsonschema.validate(json.loads(decoded(envelope["payload"])), evidence_schema())


def test_the_published_schema_is_current() -> None:
    """Else: python -m relocate.evidence.schema docs/reference/evidence.schema.json."""
    assert (DOCS / "reference/evidence.schema.json").read_text() == schema_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_record_holds_nothing_secret(name: str) -> None:
    """No probe token, no setting of a probe, no place on the machine that made it."""
    record = recorded(name)
    text = record.model_dump_json()
    assert "/tmp" not in text  # noqa: S108 - it is looked for
    assert '"settings":{"' not in text
    for path in [
        path for entry in record.entries for path in entry.claim.detail.get("document", {}).get("probe_paths", ())
    ]:
        assert len(path["token"]) == 64
    assert KEY.private_bytes_raw().hex() not in text
