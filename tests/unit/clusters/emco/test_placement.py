# SPDX-License-Identifier: Apache-2.0
"""App intents get one cluster more or one less, and mean the same of every other."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st

from relocate.clusters.emco.placement import (
    MOST,
    Label,
    NowhereLeft,
    Place,
    labels_in,
    mandatory,
    names,
    with_cluster,
    without_cluster,
)
from relocate.emco_sim.errors import Refused
from relocate.emco_sim.placement import Cluster, placed
from relocate.errors import InvalidWorkload

CLUSTERS = "abcdefghijkl"
LABELS = {"x": "ab", "y": "cd", "z": "", "w": "e"}
LABELLED = {Label("p", label): {Place("p", one) for one in means} for label, means in LABELS.items()}
KNOWN = [Cluster("p", one) for one in CLUSTERS]


def place(cluster: str) -> Place:
    """A cluster of the one provider."""
    return Place("p", cluster)


def intent(all_of: Sequence[Mapping[str, Any]] = (), any_of: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """An app intent."""
    said = {key: list(items) for key, items in (("allOf", all_of), ("anyOf", any_of)) if items}
    return {"metadata": {"name": "web-intent", "userData1": "x"}, "spec": {"app": "web", "intent": said, "more": 1}}


def name(cluster: str) -> dict[str, Any]:
    """An item: a cluster by name."""
    return {"clusterProvider": "p", "cluster": cluster}


def label(label: str) -> dict[str, Any]:
    """An item: clusters by label."""
    return {"clusterProvider": "p", "clusterLabel": label}


plain = st.one_of(st.sampled_from(CLUSTERS).map(name), st.sampled_from(sorted(LABELS)).map(label))
group = st.lists(plain, min_size=1, max_size=3)
item = st.one_of(plain, group.map(lambda items: {"anyOf": items}))
intents = st.builds(intent, st.lists(item, max_size=4), st.lists(plain, max_size=3))


def emco(body: Mapping[str, Any]) -> set[Place]:
    """Where the simulated EMCO puts it. Raises Refused."""
    found = placed([body], KNOWN, lambda _, label: [Cluster("p", one) for one in LABELS[label]])
    return {Place(*one) for one in found["web"]}


def _is_taken(body: Mapping[str, Any]) -> bool:
    try:
        return bool(emco(body))
    except Refused:
        return False


taken = intents.filter(_is_taken)
"""Placements that EMCO takes: whatever it refuses was never in force."""


@given(taken, st.data())
def test_one_cluster_more_moves_no_other(body: dict[str, Any], data: st.DataObject) -> None:
    """EMCO takes what we write, and has the app where it was, and on the new one."""
    before = emco(body)
    target = data.draw(st.sampled_from([one for one in map(place, CLUSTERS) if one not in before]))
    more = with_cluster(body, target, LABELLED, before)
    assert emco(more) == before | {target}
    assert more["metadata"] == body["metadata"]
    assert more["spec"]["more"] == 1


@given(taken, st.data())
def test_one_cluster_less_moves_no_other(body: dict[str, Any], data: st.DataObject) -> None:
    """EMCO takes what we write, and has the app where it was, but for that one."""
    before = emco(body)
    source = data.draw(st.sampled_from(sorted(before)))
    try:
        less = without_cluster(body, source, LABELLED, before)
    except NowhereLeft:
        assert before == {source}
        return
    assert not names(less, source, LABELLED)
    assert emco(less) == before - {source}


@given(taken, st.data())
def test_a_move_ends_where_it_should(body: dict[str, Any], data: st.DataObject) -> None:
    """Target added, source taken out: everything else is where it was."""
    before = emco(body)
    source = data.draw(st.sampled_from(sorted(before)))
    target = data.draw(st.sampled_from([one for one in map(place, CLUSTERS) if one not in before]))
    both = with_cluster(body, target, LABELLED, before)
    after = without_cluster(both, source, LABELLED, emco(both))
    assert emco(after) == before - {source} | {target}


def test_nothing_is_written_into_what_was_given() -> None:
    """What stood before has to be put back."""
    body = intent([name("a"), label("y"), {"anyOf": [name("e"), name("b")]}], [name("f"), name("b")])
    before = repr(body)
    with_cluster(body, place("b"), LABELLED, [place("a"), place("e"), place("f")])
    without_cluster(body, place("c"), LABELLED, [place("c")])
    assert repr(body) == before


def test_a_cluster_that_is_there_is_not_added_again() -> None:
    """By name, and by label: named twice, EMCO refuses the update."""
    for body in (intent([name("a")]), intent([label("x")])):
        with pytest.raises(InvalidWorkload, match=r"have web on p\+a already"):
            with_cluster(body, place("a"), LABELLED, [place("a")])


def test_no_more_clusters_than_emco_takes() -> None:
    """The schema's limit is told before EMCO tells it."""
    body = intent([name(f"c{number}") for number in range(MOST)])
    with pytest.raises(InvalidWorkload, match=f"names {MOST} clusters already"):
        with_cluster(body, place("a"), LABELLED, [])


def test_labels_are_found_wherever_they_stand() -> None:
    """In both lists, and in a nested choice; other providers' labels are other labels."""
    nested = {"anyOf": [label("x"), {"clusterProvider": "q", "clusterLabel": "x"}]}
    assert labels_in(intent([label("y"), nested], [label("z")])) == {
        Label("p", "x"),
        Label("p", "y"),
        Label("p", "z"),
        Label("q", "x"),
    }


def test_lists_that_are_null_are_empty() -> None:
    """Go writes them so."""
    body = {"spec": {"app": "web", "intent": {"allOf": None, "anyOf": None}}}
    assert (labels_in(body), mandatory(body, {})) == (set(), [])
    assert with_cluster(body, place("a"), {}, [])["spec"]["intent"] == {"allOf": [name("a")]}
