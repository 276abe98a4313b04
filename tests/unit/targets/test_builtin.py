# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from relocate.errors import InvalidRequest
from relocate.model.application import Requirements
from relocate.targets import filters
from relocate.targets.builtin import BuiltinSelector, BuiltinSettings, decide
from relocate.targets.contract import Candidate, SelectionRequest
from relocate.targets.offer import why_nonsense

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = BuiltinSettings()
NAMES = ["mec-a", "mec-b", "mec-c", "mec-d", "mec-e"]
CELLS = st.sampled_from(["one", "two"])
ZONES = st.none() | st.sampled_from(["east", "west"])


def candidates(name):
    """Any candidate of that name."""
    return st.builds(
        Candidate,
        cluster=st.just(name),
        zone=ZONES,
        cells=st.lists(CELLS, max_size=2).map(tuple),
        labels=st.dictionaries(st.just("tier"), st.sampled_from(["edge", "core"])),
        cordoned=st.booleans(),
        ready=st.sampled_from([True, True, True, False, None]),
        latency_ms=st.none() | st.floats(),
        cpu_free_millicores=st.none() | st.integers(-10, 20_000),
        memory_free_mib=st.none() | st.integers(-10, 20_000),
        failed_at=st.none() | st.integers(-400, 400).map(lambda ago: NOW - timedelta(seconds=ago)),
    )


REQUIREMENTS = st.builds(
    Requirements,
    max_latency_ms=st.none() | st.floats(0.1, 100),
    cpu_millicores=st.sampled_from([0, 100]),
    memory_mib=st.sampled_from([0, 100]),
    labels=st.dictionaries(st.just("tier"), st.just("edge")),
)


@st.composite
def offers(draw):
    """Any request with differing candidates, the source among them or not."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return SelectionRequest(
        id="rel-1",
        application="game",
        source=draw(st.none() | st.just("mec-a")),
        cell=draw(st.none() | CELLS),
        requirements=draw(REQUIREMENTS),
        candidates=tuple(draw(candidates(name)) for name in names),
        now=NOW,
    )


@given(offers())
def test_every_candidate_stands_once(request_):
    """Each candidate is in the answer exactly once, with scores or with reasons, and the answer makes sense."""
    decision = decide(request_, SETTINGS)
    stated = [each.cluster for each in (*decision.ranked, *decision.rejected)]
    assert sorted(stated) == sorted(found.cluster for found in request_.candidates)
    assert all(each.scores for each in decision.ranked)
    assert all(each.reasons for each in decision.rejected)
    assert decision.sentence
    assert why_nonsense(decision, request_) is None


@given(offers().flatmap(lambda asked: st.tuples(st.just(asked), st.permutations(asked.candidates))))
def test_order_of_the_offer_does_not_matter(pair):
    """The same candidates in another order give the same decision."""
    asked, shuffled = pair
    assert decide(asked.model_copy(update={"candidates": tuple(shuffled)}), SETTINGS) == decide(asked, SETTINGS)


@given(offers())
def test_no_filter_is_broken_by_a_ranked_candidate(request_):
    """What is ranked passes every filter, and is sorted by score, then by name."""
    decision = decide(request_, SETTINGS)
    needed = filters.moving(request_, timedelta(seconds=SETTINGS.failure_backoff_seconds))
    by_name = {found.cluster: found for found in request_.candidates}
    assert not [each for each in decision.ranked if filters.reasons(by_name[each.cluster], needed)]
    assert list(decision.ranked) == sorted(decision.ranked, key=lambda each: (-each.score, each.cluster))
    assert all(0 <= each.score <= 100 for each in decision.ranked)


@given(offers())
def test_only_a_source_that_is_still_good_is_kept(request_):
    """The application never stays on a cluster that was not offered, or that breaks a rule."""
    source = next((found for found in request_.candidates if found.cluster == request_.source), None)
    if decide(request_, SETTINGS).keep_current:
        assert source is not None
        assert filters.reasons(source, filters.staying(request_)) == ()


def test_nearest_wins(candidate, offer):
    """With all else equal the cluster with the lower latency is chosen, and the sentence says so."""
    asked = offer(candidate("mec-b", latency_ms=20.0), candidate("mec-c", latency_ms=5.0))
    decision = decide(asked, SETTINGS)
    assert [each.cluster for each in decision.ranked] == ["mec-c", "mec-b"]
    assert decision.sentence == "mec-c is the best of 2: 57 (latency 95, capacity 0)."


def test_ties_go_by_name(candidate, offer):
    """Equal scores are ordered by the cluster's name."""
    decision = decide(offer(candidate("mec-c"), candidate("mec-b")), SETTINGS)
    assert [each.cluster for each in decision.ranked] == ["mec-b", "mec-c"]


@pytest.mark.parametrize(("latency", "stays"), [(11.0, True), (39.0, False)])
def test_current_cluster_stays_unless_clearly_beaten(candidate, offer, latency, stays):
    """A good current cluster is left only for one that is better by the margin."""
    decision = decide(offer(candidate("mec-a", latency_ms=latency), candidate("mec-b", latency_ms=10.0)), SETTINGS)
    assert decision.keep_current is stays
    assert decision.sentence.startswith("mec-a stays: mec-b scores" if stays else "mec-b is the best of 2")


@pytest.mark.parametrize("broken", [{"cordoned": True}, {"ready": False}, {"ready": None}])
def test_bad_current_cluster_is_left_for_any(candidate, offer, broken):
    """A current cluster that breaks a rule is left, whatever its score."""
    decision = decide(offer(candidate("mec-a", latency_ms=1.0, **broken), candidate("mec-b")), SETTINGS)
    assert not decision.keep_current
    assert decision.ranked[0].cluster == "mec-b"


def test_current_cluster_need_not_have_room_twice(candidate, offer):
    """What the application already takes is not asked of the current cluster again, nor an old failure to move there."""
    full = candidate("mec-a", cpu_free_millicores=0, failed_at=NOW)
    decision = decide(offer(full, candidate("mec-b", ready=False), cpu_millicores=500), SETTINGS)
    assert decision.keep_current
    assert decision.sentence.startswith("mec-a stays, for nothing else fits: ")


def test_no_fit_is_an_answer(candidate, offer):
    """When nothing fits, the answer says why of each."""
    decision = decide(offer(candidate("mec-b", cordoned=True)), SETTINGS)
    assert not decision.ranked
    assert decision.sentence == "No candidate fits: mec-b: it is cordoned."


def test_no_candidates_is_an_answer(offer):
    """An empty offer gets an empty answer."""
    assert decide(offer(), SETTINGS).sentence == "There was no candidate to choose from."


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"margin": 1}, "selector_settings.margin: .*allowed are weights, failure_backoff_seconds"),
        ({"weights": {"latency": -1}}, "selector_settings.weights.latency: .*greater than or equal to 0"),
        ({"weights": {"latency": 0, "capacity": 0}}, "selector_settings.weights: .*at least one weight"),
        ({"failure_backoff_seconds": "soon"}, "selector_settings.failure_backoff_seconds"),
    ],
)
def test_bad_settings_name_the_field(settings, text):
    """A setting that makes no sense is named."""
    with pytest.raises(InvalidRequest, match=text):
        BuiltinSelector.open(settings)


async def test_settings_count(candidate, offer):
    """Weights change the order."""
    near, roomy = candidate("mec-b", latency_ms=1.0), candidate("mec-c", latency_ms=90.0, cpu_free_millicores=9000)
    selector = BuiltinSelector.open({"weights": {"latency": 0.1, "capacity": 1}})
    assert (await selector.rank(offer(near, roomy))).ranked[0].cluster == "mec-c"
