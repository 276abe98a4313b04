# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
import socket
from pathlib import Path

import jsonschema
import pytest

from relocate.errors import InvalidRequest
from relocate.targets.choosing import choose
from relocate.targets.errors import SelectorNonsense, SelectorUnreachable
from relocate.targets.http import LARGEST_ANSWER, HttpSelector
from relocate.targets.schema import published

SCHEMAS = Path(__file__).parents[3] / "docs" / "reference" / "meo"
SELECTED = {
    "requestId": "rel-1",
    "decisionId": "dec-5521",
    "outcome": "SELECTED",
    "target": {"provider": "edge", "cluster": "mec-b"},
    "ranked": [
        {"provider": "edge", "cluster": "mec-b", "score": 87.4, "scores": {"latency": 79.7}},
        {"provider": "edge", "cluster": "mec-a", "score": 41.0},
    ],
    "rejected": [{"cluster": "mec-c", "reasons": [{"code": "LATENCY_EXCEEDED", "message": "22.0 ms > 15 ms"}]}],
    "validUntil": "2026-01-01T00:00:30Z",
    "policyVersion": "2026-01-01.3",
    "ttlSeconds": 30,
}


@pytest.fixture
def asked(candidate, offer):
    """Four candidates, the source among them."""
    found = (candidate("mec-a"), candidate("mec-b", latency_ms=6.1, zone="z"), candidate("mec-c"), candidate("mec-d"))
    return offer(*found, cell="cell-4", max_latency_ms=15)


@pytest.fixture
async def selector(meo):
    """A selector that asks the MEO, briskly."""
    made = HttpSelector.open({"url": meo.url, "timeout_seconds": 1, "pause_seconds": 0.001, "token": "s3cret"})
    yield made
    await made.close()


async def test_decision_is_taken_over(meo, selector, asked):
    """A good answer becomes a decision in which every candidate stands, the source and the omitted included."""
    meo.answers(SELECTED)
    decision = await choose(selector, "fail", asked)
    assert [(each.cluster, each.score) for each in decision.ranked] == [("mec-b", 87.4)]
    assert {each.cluster: each.reasons[0] for each in decision.rejected} == {
        "mec-a": "the application runs here now; the MEO scores it 41",
        "mec-c": "LATENCY_EXCEEDED: 22.0 ms > 15 ms",
        "mec-d": "the MEO said nothing of it",
    }
    assert decision.sentence == "The MEO chose mec-b (decision dec-5521, policy 2026-01-01.3)."
    assert decision.fallback is None


async def test_question_follows_the_published_schema(meo, selector, asked):
    """What is sent fits the published request schema and carries the token and all candidates."""
    meo.answers(SELECTED)
    await selector.rank(asked)
    jsonschema.validate(meo.asked[0], json.loads((SCHEMAS / "request.schema.json").read_text()))
    jsonschema.validate(SELECTED, json.loads((SCHEMAS / "response.schema.json").read_text()))
    assert [each["cluster"] for each in meo.asked[0]["candidates"]] == ["mec-a", "mec-b", "mec-c", "mec-d"]
    assert meo.asked[0]["deadline"] == "2026-01-01T00:00:01Z"
    assert meo.asked[0]["app"]["requirements"]["maxLatencyMs"] == 15
    assert "authorization: bearer s3cret" in meo.headers[0].lower()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"requestId": "rel-2"}, "answers request 'rel-2'"),
        ({"validUntil": "2025-01-01T00:00:00Z"}, "valid until 2025"),
        ({"outcome": "KEEP_CURRENT"}, "its target is mec-b"),
        ({"outcome": "NO_CANDIDATE"}, "stands without a target"),
        ({"outcome": "NO_CANDIDATE", "target": None}, "ranks mec-b"),
        ({"outcome": "SELECTED", "target": None}, "needs a target"),
        ({"outcome": "PERHAPS"}, "outcome: Input should be"),
        ({"target": {"cluster": "mec-c"}}, "first in its ranking is mec-b"),
        ({"target": {"cluster": "mec-a"}}, "where the application runs now"),
        ({"ranked": [{"cluster": "mec-a", "score": 1}]}, "first in its ranking is nothing"),
        ({"ranked": [{"cluster": "mec-b", "score": float("nan")}]}, "ranked.0.score"),
        ({"ranked": [{"cluster": "mec-b", "score": 101}]}, "ranked.0.score"),
    ],
)
async def test_contradictions_are_nonsense(meo, selector, asked, change, reason):
    """An answer that contradicts itself, the question or the protocol is refused, with the reason."""
    meo.answers({**SELECTED, **change})
    with pytest.raises(SelectorNonsense, match=reason):
        await selector.rank(asked)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"requestId": ', b" " * (LARGEST_ANSWER + 1)])
async def test_garbage_is_nonsense(meo, selector, asked, body):
    """A body that is no answer at all, or endless, is refused."""
    meo.answers(body)
    with pytest.raises(SelectorNonsense):
        await selector.rank(asked)


@pytest.mark.parametrize(
    "change",
    [
        {"target": {"cluster": "mec-z"}, "ranked": []},
        {"rejected": [{"cluster": "mec-z"}]},
        {"ranked": [{"cluster": "mec-b", "score": 2}, {"cluster": "mec-b", "score": 1}]},
        {"rejected": [{"cluster": "mec-b"}]},
    ],
)
async def test_answer_is_held_against_the_offer(meo, selector, asked, change):
    """A cluster that was not offered, or that stands twice, makes the whole answer void."""
    meo.answers({**SELECTED, **change})
    decision = await choose(selector, "builtin", asked)
    assert decision.selector == "builtin"
    assert "makes no sense: it names" in (decision.fallback or "")


async def test_current_is_kept_on_request(meo, selector, asked):
    """KEEP_CURRENT means that there is nothing to do."""
    meo.answers({"requestId": "rel-1", "outcome": "KEEP_CURRENT"})
    decision = await choose(selector, "fail", asked)
    assert decision.keep_current
    assert decision.sentence == "The MEO keeps the current cluster."


async def test_no_candidate_is_an_answer(meo, selector, asked):
    """NO_CANDIDATE is a decision, with a reason for each."""
    meo.answers({"requestId": "rel-1", "outcome": "NO_CANDIDATE"})
    decision = await choose(selector, "fail", asked)
    assert decision.ranked == ()
    assert decision.fallback is None
    assert len(decision.rejected) == 4


async def test_lone_target_is_a_ranking(meo, selector, asked):
    """A target without a ranking is a ranking of one."""
    meo.answers({"requestId": "rel-1", "outcome": "SELECTED", "target": {"cluster": "mec-b"}})
    assert [each.cluster for each in (await selector.rank(asked)).ranked] == ["mec-b"]


async def test_defer_is_as_good_as_silence(meo, selector, asked):
    """DEFER leads to the fall-back."""
    meo.answers({"requestId": "rel-1", "outcome": "DEFER", "retryAfterSeconds": 30})
    with pytest.raises(SelectorUnreachable, match="defers its decision by 30 s"):
        await selector.rank(asked)


async def test_short_absence_is_bridged(meo, selector, asked):
    """A 503 is asked again."""
    meo.answers({}, status=503)
    meo.answers(SELECTED)
    assert (await selector.rank(asked)).ranked[0].cluster == "mec-b"


@pytest.mark.parametrize(("status", "times"), [(503, 3), (500, 1), (404, 1)])
async def test_failures_end(meo, selector, asked, status, times):
    """A MEO that keeps failing is asked a few times at most, and its status is told."""
    meo.answers({}, status=status)
    with pytest.raises(SelectorUnreachable, match=f"answered {status}"):
        await selector.rank(asked)
    assert len(meo.asked) == times


async def test_other_success_is_nonsense(meo, selector, asked):
    """A decision is a 200, nothing else."""
    meo.answers(b"", status=202)
    with pytest.raises(SelectorNonsense, match="a decision is a 200"):
        await selector.rank(asked)


async def test_slow_meo_is_not_waited_for(meo, asked):
    """All attempts together end with the time-out."""
    meo.answers(SELECTED, after=5)
    slow = HttpSelector.open({"url": meo.url, "timeout_seconds": 0.05})
    with pytest.raises(SelectorUnreachable, match=r"within 0\.05 s"):
        await slow.rank(asked)
    await slow.close()


async def test_nobody_there_is_told(asked):
    """A MEO that refuses connections is unreachable."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gone = HttpSelector.open({"url": f"http://127.0.0.1:{port}/", "pause_seconds": 0})
    with pytest.raises(SelectorUnreachable, match=f"127.0.0.1:{port} cannot be reached"):
        await gone.rank(asked)
    await gone.close()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "url"),
        ({"url": "ftp://meo"}, "url"),
        ({"url": "http://meo", "timeout_seconds": 0}, "timeout_seconds"),
        ({"url": "http://meo", "ca_file": "/nonexistent/ca.pem"}, "ca_file"),
        ({"url": "http://meo", "retries": 1}, "retries"),
    ],
)
def test_bad_settings_name_the_field(settings, field):
    """A setting that makes no sense is named."""
    with pytest.raises(InvalidRequest) as caught:
        HttpSelector.open(settings)
    assert caught.value.field == f"selector_settings.{field}"


@pytest.mark.parametrize("name", sorted(published()))
def test_published_schemas_are_current(name):
    """The schemas in the docs are those of the models; `python -m relocate.targets.schema docs/reference/meo`."""
    assert (SCHEMAS / name).read_text() == published()[name]


async def test_cancelling_stops_the_question(meo, selector, asked):
    """Whoever stops waiting is not held up."""
    meo.answers(SELECTED, after=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await selector.rank(asked)
