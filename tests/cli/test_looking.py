# SPDX-License-Identifier: Apache-2.0
import base64
import json

import pytest

from relocate.model.evidence import Claim
from relocate.model.relocation import Phase, Step, StepState
from relocate.targets.contract import Decision, Ranked, Rejection
from steering.model import Rung
from tests.api.memory_dispatch import finish


@pytest.fixture
def went_back(relocate, database):
    """A relocation that was rolled back in the switch, with its decision and evidence."""
    relocate("start", "assist", "--source", "mec-a", "--target", "mec-b")
    decision = Decision(
        selector="http",
        ranked=(Ranked(cluster="mec-b", score=80, scores={"latency": 90.0}),),
        rejected=(Rejection(cluster="mec-a", reasons=("the application runs here now",)),),
        sentence="The MEO chose mec-b.",
    )
    database.relocations.tell("r-1", "decision", decision.model_dump(mode="json"))
    good = Claim(rung=Rung.WRITTEN, phase=Phase.SWITCH, sentence="written")
    bad = Claim(
        rung=Rung.WATCHED, phase=Phase.SWITCH, sentence="7 of 90 failed", instance="gw-1", basis="sampled", holds=False
    )
    database.evidence.append("r-1", [good, bad])
    step = Step(phase=Phase.SWITCH, state=StepState.FAILED, sentence="mec-b fails requests")
    database.relocations.change("r-1", lambda view: view.model_copy(update={"steps": (step,)}))
    finish(database, "r-1", "rolled_back")


def test_empty_list_is_told(relocate):
    """Without relocations there is a word for it."""
    assert relocate("status").stdout == "There are none.\n"


def test_list_shows_one_line_each(relocate, went_back):
    """Relocations are listed newest first, and can be filtered."""
    relocate("start", "assist", "--target", "mec-b")
    lines = relocate("status").stdout.splitlines()
    assert lines[0].split() == ["ID", "APPLICATION", "WAY", "STANDS", "PHASE", "ACCEPTED", "SENTENCE"]
    assert [line.split()[0] for line in lines[1:]] == ["r-2", "r-1"]
    assert "rolled back" in lines[2]
    assert len(relocate("status", "--status", "accepted").stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("completed", 0), ("nothing_to_do", 0), ("no_target", 1), ("rolled_back", 1), ("cancelled", 1)],
)
def test_status_exits_by_outcome(relocate, database, outcome, code):
    """The exit code says how a relocation ended."""
    relocate("start", "assist", "--target", "mec-b")
    assert relocate("status", "r-1").exit_code == 0
    finish(database, "r-1", outcome)
    result = relocate("status", "r-1")
    assert result.exit_code == code
    assert outcome.replace("_", " ") in result.stdout


def test_status_shows_phases(relocate, went_back):
    """One relocation is shown with its phases and their sentences."""
    lines = relocate("status", "r-1").stdout.splitlines()
    assert lines == [
        "r-1: assist, mec-a -> mec-b: rolled back",
        "It is done.",
        "switch  failed  -  mec-b fails requests",
    ]


def test_json_is_the_servers_answer(relocate, went_back):
    """-o json prints what the API answers."""
    assert json.loads(relocate("status", "r-1", "-o", "json").stdout)["links"]["self"] == "/v1/relocations/r-1"
    assert json.loads(relocate("status", "-o", "json").stdout)["items"][0]["id"] == "r-1"


def test_why_explains_a_way_back(relocate, went_back):
    """The decision, the phase that failed and what spoke against going on are told; asking why succeeds."""
    result = relocate("why", "r-1")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        "r-1: assist, mec-a -> mec-b: rolled back",
        "It is done.",
        "It failed in switch: mec-b fails requests",
        "What spoke against going on:",
    ]
    assert lines[4].split()[2:] == ["switch", "E4", "gw-1", "sampled", "7", "of", "90", "failed"]
    assert lines[5:] == [
        "Decision (http): The MEO chose mec-b.",
        "  mec-b  80  latency 90",
        "  mec-a  -   the application runs here now",
    ]


def test_why_as_json(relocate, went_back):
    """-o json of `why` holds the decision and the claims against."""
    told = json.loads(relocate("why", "r-1", "-o", "json").stdout)
    assert told["decision"]["selector"] == "http"
    assert [entry["claim"]["sentence"] for entry in told["against"]] == ["7 of 90 failed"]


def entries_of(text):
    """The chain inside a downloaded envelope."""
    return json.loads(base64.b64decode(json.loads(text)["payload"]))["predicate"]["entries"]


def test_evidence_goes_to_a_file(relocate, went_back, tmp_path):
    """The record is written, and its chain is checked here."""
    file = tmp_path / "record.json"
    result = relocate("evidence", "r-1", "-o", str(file))
    assert result.exit_code == 0
    assert result.stderr == f"2 claims; the chain is whole; written to {file}.\n"
    assert len(entries_of(file.read_text())) == 2


def test_evidence_goes_to_stdout(relocate, went_back):
    """Without a file the record stands alone on stdout."""
    assert [entry["relocation"] for entry in entries_of(relocate("evidence", "r-1").stdout)] == ["r-1", "r-1"]


def test_broken_chain_is_noticed(relocate, went_back, database):
    """A record that was changed afterwards makes the exit code 1."""
    with database.engine.begin() as connection:
        connection.exec_driver_sql("update evidence set claim = replace(claim, 'written', 'whatever')")
    result = relocate("evidence", "r-1")
    assert result.exit_code == 1
    assert "the chain is broken at entry 1" in result.stderr


def test_evidence_that_cannot_be_written_is_told(relocate, went_back, tmp_path):
    """A file that cannot be written is named."""
    result = relocate("evidence", "r-1", "-o", str(tmp_path))
    assert result.exit_code == 2
    assert "cannot be written: Is a directory" in result.stderr


@pytest.mark.parametrize("command", ["status", "why", "evidence", "watch"])
def test_unknown_id_is_told(relocate, command):
    """An id that nobody knows is refused in a sentence."""
    result = relocate(command, "r-404")
    assert result.exit_code == 3
    assert "no relocation is called r-404" in result.stderr


def test_malformed_id_is_told(relocate):
    """An id that is none reaches no other address."""
    result = relocate("status", "../../openapi.json")
    assert result.exit_code == 3
    assert "Traceback" not in result.stderr
