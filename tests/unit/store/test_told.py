# SPDX-License-Identifier: Apache-2.0
"""What a run tells is kept once and in order, whoever brings it how often."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from relocate.errors import StaleFence
from relocate.model.evidence import Claim
from relocate.model.relocation import Outcome, RelocationRequest, Status, View
from relocate.model.told import Told
from relocate.store.database import Database
from steering.model import Fence

NUMBERS = itertools.count()


def _accepted(database: Database) -> View:
    identity = f"rel-{next(NUMBERS)}"
    return database.acceptance.accept(identity, RelocationRequest(application=f"app-{identity}")).view


def _told(view: View, count: int) -> list[Told]:
    """Changes 1 to `count` of a view, each with a claim of its own."""
    return [
        Told(
            view=view.model_copy(update={"revision": number, "status": Status.RUNNING, "sentence": f"step {number}"}),
            claims=(Claim(rung="note", sentence=f"note {number}"),),
        )
        for number in range(1, count + 1)
    ]


def _sentences(database: Database, identity: str) -> list[str]:
    return [event.data["sentence"] for event in database.relocations.events(identity) if event.data["revision"]]


def _notes(database: Database, identity: str) -> list[str]:
    return [entry.claim.sentence for entry in database.evidence.of(identity)]


def test_views_are_kept_in_order_each_as_an_event(database: Database) -> None:
    """Several at once are as many events, their claims are in the record, and the last view is the one that is shown."""
    view = _accepted(database)
    told = _told(view, 3)
    database.relocations.keep(told)
    assert database.relocations.get(view.id) == told[-1].view
    assert _sentences(database, view.id) == ["step 1", "step 2", "step 3"]
    assert _notes(database, view.id) == ["note 1", "note 2", "note 3"]


def test_an_older_view_never_comes_over_a_newer_one(database: Database) -> None:
    """A late attempt changes neither the view nor the events nor the record."""
    view = _accepted(database)
    told = _told(view, 4)
    database.relocations.keep(told)
    database.relocations.keep(told[:2])
    assert database.relocations.get(view.id).revision == 4
    assert len(_sentences(database, view.id)) == len(_notes(database, view.id)) == 4


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=8))
def test_whatever_overlaps_is_kept_once(database: Database, brought: list[tuple[int, int]]) -> None:
    """Orders bring along everything that is not known to be kept: again, late, or together with what is new."""
    view = _accepted(database)
    told, newest = _told(view, 6), 0
    for first, last in brought:
        database.relocations.keep(told[min(first, newest) : last])
        newest = max(newest, last)
    expected = list(range(1, newest + 1))
    assert _sentences(database, view.id) == [f"step {number}" for number in expected]
    assert _notes(database, view.id) == [f"note {number}" for number in expected]


def test_a_note_beside_an_unchanged_view_is_no_event(database: Database) -> None:
    """The claim is kept, and nobody is shown the same view twice."""
    view = _accepted(database)
    same = view.model_copy(update={"revision": 1})
    database.relocations.keep([Told(view=same, claims=(Claim(rung="note", sentence="said"),))])
    assert (_sentences(database, view.id), _notes(database, view.id)) == ([], ["said"])
    assert database.relocations.get(view.id).revision == 1


def test_a_decision_is_told_before_the_view_that_follows_from_it(database: Database) -> None:
    """Once, however often it is brought."""
    view = _accepted(database)
    chosen = Told(view=_told(view, 1)[0].view, decision={"sentence": "mec-b is best"})
    database.relocations.keep([chosen])
    database.relocations.keep([chosen])
    assert [event.kind for event in database.relocations.events(view.id)] == ["view", "decision", "view"]


def test_a_step_that_was_overtaken_tells_nothing(database: Database) -> None:
    """Its turn and what it brings along are one transaction."""
    view = _accepted(database)
    told = _told(view, 2)
    database.leases.advance(view.application, Fence(lease=1, sequence=5), told[:1])
    with pytest.raises(StaleFence):
        database.leases.advance(view.application, Fence(lease=1, sequence=4), told)
    assert database.relocations.get(view.id) == told[0].view


def test_the_last_view_gives_the_lease_back(database: Database) -> None:
    """And no other does."""
    view = _accepted(database)
    (running,) = _told(view, 1)
    database.relocations.keep([running])
    assert database.leases.holder(view.application) == view.id
    ended = {"revision": 2, "status": Status.FINISHED, "outcome": Outcome.COMPLETED}
    database.relocations.keep([Told(view=running.view.model_copy(update=ended))])
    assert database.leases.holder(view.application) is None
