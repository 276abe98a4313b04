# SPDX-License-Identifier: Apache-2.0
"""Editing app intents (pure): one cluster more, one cluster less, and everything else as it was.

An app intent is a JSON document of EMCO's. `spec.intent.allOf` lists what must all be had: a cluster by name, every cluster with a
label, or (before EMCO's main) one of a nested `anyOf`. `spec.intent.anyOf` lists clusters of which exactly one is chosen, by EMCO. A
cluster that is named twice, also by label, makes EMCO refuse the next update.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from relocate.errors import InvalidWorkload

MOST = 128
"""Items of a list, as EMCO's schema has it."""

Intent = Mapping[str, Any]
Item = Mapping[str, Any]


class Place(NamedTuple):
    """A cluster of a provider."""

    provider: str
    cluster: str

    def __str__(self) -> str:
        return f"{self.provider}+{self.cluster}"


class Label(NamedTuple):
    """A label of clusters of a provider."""

    provider: str
    label: str


Labelled = Mapping[Label, Collection[Place]]
"""Clusters by label."""


class NowhereLeft(Exception):
    """Without that cluster the app would be nowhere, which EMCO refuses."""


def labels_in(intent: Intent) -> set[Label]:
    """Labels whose clusters have to be known."""
    lists = _lists(intent)
    every = [*lists.all_of, *lists.any_of, *(one for item in lists.all_of for one in item.get("anyOf") or ())]
    return {Label(item["clusterProvider"], item["clusterLabel"]) for item in every if "clusterLabel" in item}


def app_of(intent: Intent) -> str:
    """The app that it places."""
    return str(intent["spec"]["app"])


def mandatory(intent: Intent, labelled: Labelled) -> list[Place]:
    """Clusters that must all have the app; one that is named twice is there twice."""
    return [place for item in _lists(intent).all_of for place in _means(item, labelled)]


def names(intent: Intent, place: Place, labelled: Labelled) -> bool:
    """Whether the app can be on a cluster by what the intent says."""
    either = (one for group in _groups(_lists(intent)) for item in group for one in _means(item, labelled))
    return place in mandatory(intent, labelled) or place in either


def with_cluster(intent: Intent, place: Place, labelled: Labelled, running: Collection[Place]) -> Intent:
    """The intent with one cluster more.

    Where EMCO might choose that cluster besides, its choices are replaced by what it chose: named twice, it is refused.

    Args:
        intent: as it stands.
        place: the cluster.
        labelled: clusters of every label in the intent.
        running: where EMCO has the app now.

    Raises:
        InvalidWorkload: it is there already, or no item more is allowed.
    """
    if place in mandatory(intent, labelled):
        raise InvalidWorkload(f"EMCO's intents have {app_of(intent)} on {place} already, and not through this service")
    lists = _lists(_decided(intent, place, labelled, running))
    if len(lists.all_of) >= MOST:
        raise InvalidWorkload(
            f"the app intent of {app_of(intent)} names {MOST} clusters already, and EMCO allows no more"
        )
    return _saying(intent, _Lists([*lists.all_of, _named(place)], lists.any_of))


def without_cluster(intent: Intent, place: Place, labelled: Labelled, running: Collection[Place]) -> Intent:
    """The intent with one cluster less.

    A label that means the cluster is replaced by the names of the others that it means now. Where EMCO might choose it,
    its choices are replaced by what it chose: whoever wants it gone wants no other in its place.

    Args:
        intent: as it stands.
        place: the cluster.
        labelled: clusters of every label in the intent.
        running: where EMCO has the app now.

    Raises:
        NowhereLeft: it was the only one.
    """
    lists = _lists(_decided(intent, place, labelled, running))
    left = _Lists(list(_spelled_out(lists.all_of, place, labelled)), lists.any_of)
    items = [*left.all_of, *(item for group in _groups(left) for item in group)]
    if not any(_means(item, labelled) for item in items):
        raise NowhereLeft(f"{app_of(intent)} would be on no cluster without {place}")
    return _saying(intent, left)


class _Lists(NamedTuple):
    all_of: Sequence[Item]
    any_of: Sequence[Item]


def _lists(intent: Intent) -> _Lists:
    said = intent["spec"]["intent"]
    return _Lists(said.get("allOf") or (), said.get("anyOf") or ())


def _saying(intent: Intent, lists: _Lists) -> Intent:
    """The same intent with other lists; a list that is empty and was not there stays away."""
    said = dict(intent["spec"]["intent"])
    for key, items in (("allOf", lists.all_of), ("anyOf", lists.any_of)):
        if items:
            said[key] = list(items)
        else:
            said.pop(key, None)
    return {**intent, "spec": {**intent["spec"], "intent": said}}


def _means(item: Item, labelled: Labelled) -> Sequence[Place]:
    if "cluster" in item:
        return [Place(item["clusterProvider"], item["cluster"])]
    if "clusterLabel" in item:
        return sorted(labelled[Label(item["clusterProvider"], item["clusterLabel"])])
    return []


def _spelled_out(items: Sequence[Item], place: Place, labelled: Labelled) -> Iterator[Item]:
    """Items without a cluster: its name left out, a label that means it replaced by the names of the others."""
    for item in items:
        meant = _means(item, labelled)
        if place not in meant:
            yield item
        elif "clusterLabel" in item:
            yield from (_named(one) for one in meant if one != place)


def _decided(intent: Intent, place: Place, labelled: Labelled, running: Collection[Place]) -> Intent:
    """The intent with what EMCO chose in place of what it might choose, if a cluster is among that.

    Which group a cluster was chosen for, EMCO does not say; so where one has to go, all of them do.
    """
    lists = _lists(intent)
    if not any(place in _means(item, labelled) for group in _groups(lists) for item in group):
        return intent
    chosen = sorted(set(running) - set(mandatory(intent, labelled)) - {place})
    firm = [item for item in lists.all_of if "anyOf" not in item]
    return _saying(intent, _Lists([*firm, *map(_named, chosen)], ()))


def _groups(lists: _Lists) -> Sequence[Sequence[Item]]:
    """Lists of which EMCO chooses one cluster each."""
    return [lists.any_of, *(item["anyOf"] for item in lists.all_of if item.get("anyOf"))]


def _named(place: Place) -> Item:
    return {"clusterProvider": place.provider, "cluster": place.cluster}
