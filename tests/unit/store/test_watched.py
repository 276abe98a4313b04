# SPDX-License-Identifier: Apache-2.0
"""What the prober saw, what UEs reported, and the figures over all."""

from datetime import UTC, datetime, timedelta
from typing import Any

from relocate.model.relocation import Outcome, RelocationRequest, Status
from relocate.store.database import Database
from relocate.store.figures import Figures
from relocate.store.ue_events import Decided, UeEvents
from relocate.store.watched import HandOver, SeenFailure

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_a_second_that_is_on_record_stays_as_it_is(database: Database) -> None:
    """The prober may hand over a second twice, and a prober that was believed dead may come back late."""
    database.watched.put(HandOver("rel-1", "web", {("edge-1", 10): {"n": 1}, ("edge-1", 11): {"n": 2}}))
    database.watched.put(HandOver("rel-1", "web", {("edge-1", 11): {"n": 3}, ("edge-2", 11): {"n": 4}}))
    assert database.watched.seconds("rel-1") == [
        ("web", "edge-1", 10, {"n": 1}),
        ("web", "edge-1", 11, {"n": 2}),
        ("web", "edge-2", 11, {"n": 4}),
    ]


def test_seconds_are_given_from_since_and_before_until(database: Database) -> None:
    """Of one relocation; `until` is not part of it."""
    rows: dict[tuple[str, int], dict[str, Any]] = {("edge-1", second): {} for second in range(10, 15)}
    for relocation, route in (("rel-1", "web"), ("rel-1", "maps"), ("rel-2", "web")):
        database.watched.put(HandOver(relocation, route, rows))
    seconds = database.watched.seconds("rel-1", since=11, until=13)
    assert [(route, second) for route, _, second, _ in seconds] == [
        ("maps", 11),
        ("web", 11),
        ("maps", 12),
        ("web", 12),
    ]
    assert len(database.watched.seconds("rel-1")) == 10


def test_failures_are_kept_verbatim_and_in_order(database: Database) -> None:
    """As many as are asked for."""
    seen = [SeenFailure("web", "edge-1", NOON + timedelta(seconds=n), f"failed: reset {n}") for n in range(3)]
    database.watched.put(HandOver("rel-1", "web", {}, seen))
    assert database.watched.failures("rel-1") == seen
    assert database.watched.failures("rel-1", limit=1) == seen[:1]
    assert database.watched.failures("rel-2") == []


def test_any_bytes_that_a_peer_sent_can_be_kept(database: Database) -> None:
    """A NUL in the middle of an answer must not keep a whole second from being kept; it is shown as its picture."""
    seen = SeenFailure("web", "edge-1", NOON, "wrong: \0\x01\ufffd")
    database.watched.put(HandOver("rel-1", "web", {("edge-1", 2**31): {"seen": "\0"}}, [seen]))
    assert database.watched.failures("rel-1") == [seen._replace(text="wrong: \u2400\x01\ufffd")]
    assert database.watched.seconds("rel-1") == [("web", "edge-1", 2**31, {"seen": "\0"})]


def test_what_is_handed_over_again_adds_nothing(database: Database) -> None:
    """A hand-over whose answer was lost comes again, alone or beside itself: its seconds and failures are kept once."""
    again = HandOver("rel-1", "web", {("edge-1", 10): {"n": 1}}, [SeenFailure("web", "edge-1", NOON, "failed: reset")])
    database.watched.put(again, again)
    database.watched.put(again)
    assert database.watched.failures("rel-1") == list(again.failures)
    assert len(database.watched.seconds("rel-1")) == 1


def test_the_first_decision_about_an_event_counts(database: Database) -> None:
    """A second process that decides about the same CloudEvent gets the first decision."""
    events = UeEvents(database.engine)
    first, body = Decided("core", "e-1", "not_moved", "shared", None, "app"), {"data": {"app": "app"}}
    assert events.get("core", "e-1") is None
    assert events.put(first, body) == first
    assert events.put(Decided("core", "e-1", "relocating", "nearer", "rel-1", "app"), body) == first
    assert events.get("core", "e-1") == first


def test_figures_count_what_there_is(database: Database) -> None:
    """By status, by end, and the newest event before a moment; nothing is nothing."""
    figures = Figures(database.engine)
    assert (figures.by_status(), figures.finished_since(None), figures.last_event(datetime.now(UTC))) == ({}, [], 0)
    for number in (1, 2):
        database.acceptance.accept(f"rel-{number}", RelocationRequest(application=f"app-{number}"))
    created = database.relocations.get("rel-1").created_at
    done = {"status": Status.FINISHED, "outcome": Outcome.COMPLETED, "finished_at": created + timedelta(seconds=4)}
    database.relocations.change("rel-1", lambda view: view.model_copy(update=done))
    assert figures.by_status() == {"accepted": 1, "finished": 1}
    (finished,) = figures.finished_since(created)
    assert (finished.id, finished.outcome, finished.seconds) == ("rel-1", "completed", 4.0)
    assert figures.finished_since(created + timedelta(seconds=5)) == []
    assert figures.last_event(datetime.now(UTC) + timedelta(seconds=1)) == database.relocations.events(None)[-1].id
