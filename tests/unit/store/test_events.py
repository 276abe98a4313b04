# SPDX-License-Identifier: Apache-2.0
"""What happened, in order, and how readers go on where they were."""

import pytest

from relocate.errors import NotFound
from relocate.model.relocation import RelocationRequest, Status
from relocate.store.database import Database
from relocate.store.relocations import Event


@pytest.fixture
def told(database: Database) -> Database:
    """Two relocations, told in turns."""
    for number in (1, 2):
        database.acceptance.accept(f"rel-{number}", RelocationRequest(application=f"app-{number}"))
    for number in range(4):
        database.relocations.tell(f"rel-{number % 2 + 1}", "left", {"left": number})
    return database


def test_a_reader_goes_on_after_the_last_event_it_had(told: Database) -> None:
    """In pieces or at once, one sees the same, nothing twice and nothing missing."""
    whole = told.relocations.events(None)
    pieces: list[Event] = []
    last = 0
    while piece := told.relocations.events(None, after=last, limit=2):
        pieces += piece
        last = piece[-1].id
    assert pieces == list(whole)
    assert [event.id for event in whole] == sorted({event.id for event in whole})


def test_one_relocations_events_are_its_own(told: Database) -> None:
    """Others' are left out, and its order is kept."""
    events = told.relocations.events("rel-2")
    assert [(event.kind, event.data.get("left")) for event in events] == [("view", None), ("left", 1), ("left", 3)]


def test_a_change_is_told_and_no_change_is_not(told: Database) -> None:
    """A view written twice is one event: a repeated attempt tells nothing new."""
    before = len(told.relocations.events("rel-1"))
    running = told.relocations.change("rel-1", lambda v: v.model_copy(update={"status": Status.RUNNING}))
    told.relocations.change("rel-1", lambda _: running)
    events = told.relocations.events("rel-1")[before:]
    assert [(event.kind, event.data["status"]) for event in events] == [("view", "running")]


def test_an_unknown_relocation_is_not_changed(database: Database) -> None:
    """There is nothing to change and nothing to read."""
    with pytest.raises(NotFound, match="rel-9"):
        database.relocations.change("rel-9", lambda view: view)
    assert database.relocations.events("rel-9") == []


def test_pages_of_the_list_meet_without_gap_or_overlap(database: Database) -> None:
    """Newest first; each page goes on before the last one of the page before, also for equal times."""
    names = [f"rel-{number}" for number in range(5)]
    for name in names:
        database.acceptance.accept(name, RelocationRequest(application=name))
    seen, before = [], None
    while page := database.relocations.list(before=before, limit=2):
        seen += [view.id for view in page]
        before = page[-1].id
    assert seen == [view.id for view in database.relocations.list()]
    assert sorted(seen) == names


def test_the_list_can_be_narrowed(told: Database) -> None:
    """By application and by status."""
    told.relocations.change("rel-1", lambda view: view.model_copy(update={"status": Status.RUNNING}))
    assert [view.id for view in told.relocations.list(application="app-2")] == ["rel-2"]
    assert [view.id for view in told.relocations.list(status=Status.RUNNING)] == ["rel-1"]
    assert told.relocations.list(outcome="completed") == []
