# SPDX-License-Identifier: Apache-2.0
"""Accepting is one transaction: lease, idempotency, row, event."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from relocate.errors import AlreadyRelocating, InvalidRequest, NotFound, RelocateError
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.model.placement import Placement
from relocate.model.relocation import Actor, Outcome, RelocationRequest, Status, StepState
from relocate.store.acceptance import Accepted, Asked
from relocate.store.database import Database
from relocate.store.tables import EVENTS, IDEMPOTENCY, RELOCATIONS

REQUEST = RelocationRequest(application="app", target="mec-b")
OTHER = RelocationRequest(application="app", target="mec-c")
ELSEWHERE = RelocationRequest(application="maps", target="mec-b")


def _rows(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        tables = {"relocations": RELOCATIONS, "idempotency": IDEMPOTENCY, "events": EVENTS}
        return {
            name: connection.execute(select(func.count()).select_from(t)).scalar_one() for name, t in tables.items()
        }


def _finish(database: Database, identity: str, outcome: Outcome = Outcome.COMPLETED) -> None:
    done = {"status": Status.FINISHED, "outcome": outcome}
    database.relocations.change(identity, lambda view: view.model_copy(update=done))


def test_an_accepted_request_is_kept_whole(database: Database) -> None:
    """The view, the lease, the key and the first event are there together."""
    accepted = database.acceptance.accept("rel-1", REQUEST, key="k")
    assert (accepted.view.status, accepted.lease, accepted.repeated) == (Status.ACCEPTED, 1, False)
    assert {step.state for step in accepted.view.steps} == {StepState.PENDING}
    assert database.relocations.get("rel-1") == accepted.view
    assert database.leases.holder("app") == "rel-1"
    assert _rows(database) == {"relocations": 1, "idempotency": 1, "events": 1}


def test_a_second_request_is_refused_and_leaves_nothing(database: Database) -> None:
    """One relocation per application: the error names the one that runs, and the key of the refused one stays free."""
    database.acceptance.accept("rel-1", REQUEST)
    with pytest.raises(AlreadyRelocating, match="app is being relocated by rel-1") as refused:
        database.acceptance.accept("rel-2", OTHER, key="k")
    assert refused.value.relocation == "rel-1"
    assert _rows(database) == {"relocations": 1, "idempotency": 0, "events": 1}
    with pytest.raises(NotFound):
        database.relocations.get("rel-2")


def test_a_failure_half_way_takes_nothing(database: Database) -> None:
    """When the row cannot be written, the lease that was just taken is free again."""
    database.acceptance.accept("rel-1", REQUEST)
    with pytest.raises(IntegrityError):
        database.acceptance.accept("rel-1", ELSEWHERE, key="k")
    assert database.leases.holder("maps") is None
    assert _rows(database) == {"relocations": 1, "idempotency": 0, "events": 1}


def test_applications_do_not_wait_for_each_other(database: Database) -> None:
    """The lease is the application's."""
    database.acceptance.accept("rel-1", REQUEST)
    assert database.acceptance.accept("rel-2", ELSEWHERE).lease == 1


def test_a_repeat_gets_the_first_answer(database: Database) -> None:
    """The same key and body, while it runs and after it has ended: the relocation of the first time, as it is now."""
    first = database.acceptance.accept("rel-1", REQUEST, key="k")
    again = database.acceptance.accept("rel-2", REQUEST, key="k")
    assert (again.view.id, again.lease, again.repeated) == ("rel-1", first.lease, True)
    _finish(database, "rel-1")
    late = database.acceptance.accept("rel-3", REQUEST, key="k")
    assert (late.view.id, late.view.status) == ("rel-1", Status.FINISHED)
    assert database.leases.holder("app") is None


def test_a_key_is_good_for_one_body(database: Database) -> None:
    """The same key with another body is refused, and the error names the header."""
    database.acceptance.accept("rel-1", REQUEST, key="k")
    with pytest.raises(InvalidRequest) as refused:
        database.acceptance.accept("rel-2", OTHER, key="k")
    assert refused.value.field == "Idempotency-Key"


def test_without_a_key_a_repeat_is_another_request(database: Database) -> None:
    """Nobody said that they are the same."""
    database.acceptance.accept("rel-1", REQUEST)
    _finish(database, "rel-1")
    assert not database.acceptance.accept("rel-2", REQUEST).repeated


def test_of_many_at_once_exactly_one_wins(url: str) -> None:
    """Eight processes' worth of connections ask at the same moment: one is accepted, the others are told by whom."""
    start = Barrier(8)

    def ask(number: int) -> str:
        database = Database.open(url)
        try:
            start.wait()
            return database.acceptance.accept(f"rel-{number}", REQUEST).view.id
        except AlreadyRelocating as refused:
            return f"no: {refused.relocation}"
        finally:
            database.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    winners = [answer for answer in answers if not answer.startswith("no")]
    assert len(winners) == 1
    assert {answer for answer in answers if answer.startswith("no")} == {f"no: {winners[0]}"}


def test_of_many_with_one_key_all_get_the_same(url: str) -> None:
    """A client that repeats in a hurry gets one relocation, whichever attempt came first."""
    start = Barrier(6)

    def ask(number: int) -> str:
        database = Database.open(url)
        try:
            start.wait()
            return database.acceptance.accept(f"rel-{number}", REQUEST, key="k").view.id
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1


def test_what_was_not_started_is_found_in_order(database: Database) -> None:
    """The sweeper sees what was accepted, oldest first, with its lease, until it is known to be started."""
    database.acceptance.accept("rel-1", REQUEST)
    database.acceptance.accept("rel-2", ELSEWHERE)
    assert [(p.id, p.lease, p.request) for p in database.acceptance.not_started()] == [
        ("rel-1", 1, REQUEST),
        ("rel-2", 1, ELSEWHERE),
    ]
    database.acceptance.started("rel-1")
    assert [pending.id for pending in database.acceptance.not_started()] == ["rel-2"]
    database.acceptance.accept("rel-3", RelocationRequest(application="web"))
    database.acceptance.started("rel-2", "rel-3")
    assert database.acceptance.not_started() == []


def _ask(database: Database, asked: Asked) -> Accepted | RelocateError:
    (answer,) = database.acceptance.accept_fitting([asked])
    return answer


@pytest.fixture
def placed(database: Database) -> Database:
    """`app` is placed on mec-a; mec-b is free."""
    route = {"name": "web", "hosts": ["app.test"], "gateways": ["edge"], "ports": [{"name": "http"}]}
    said = {"name": "app", "workloads": {"memory": {}}, "routes": [route], "readiness": {"probes": [{"kind": "http"}]}}
    database.catalogue.put(Gateway(name="edge", adapter="memory"))
    for name in ("mec-a", "mec-b"):
        database.catalogue.put(Cluster(name=name, driver="memory"))
    database.catalogue.put(Application.model_validate(said))
    here = {"application": "app", "cluster": "mec-a", "instance": "app-1", "active": True, "created_by": "place"}
    database.placements.put(Placement(**here, created_at=datetime.now(UTC)))
    return database


def test_a_fitting_request_is_accepted_in_one_transaction(placed: Database) -> None:
    """With who asked and why, and the application as it is configured now."""
    accepted = _ask(placed, Asked("rel-1", REQUEST, "k", Actor(who="ann", why="it moved")))
    assert isinstance(accepted, Accepted)
    assert (accepted.lease, accepted.repeated) == (1, False)
    assert accepted.application == placed.catalogue.get(Application, "app")
    assert [(event.kind, event.data.get("by")) for event in placed.relocations.events("rel-1")] == [
        ("view", None),
        ("accepted", "ann"),
    ]
    again = _ask(placed, Asked("rel-2", REQUEST, "k", Actor()))
    assert isinstance(again, Accepted)
    assert (again.view, again.repeated, again.application) == (accepted.view, True, None)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"application": "maps"}, "no application is called maps"),
        ({"application": "app", "source": "mec-b"}, "source: app runs on mec-a, not on mec-b"),
        ({"application": "app", "target": "mec-z"}, "target: no cluster is called mec-z; known: mec-a, mec-b"),
        ({"application": "app", "candidates": ["mec-b", "mec-z"]}, "candidates: no cluster is called mec-z"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(placed: Database, fields: Any, reason: str) -> None:
    """No lease, no row, no key, no event."""
    refused = _ask(placed, Asked("rel-1", RelocationRequest(**fields), "k", Actor()))
    assert isinstance(refused, NotFound | InvalidRequest)
    assert reason in str(refused)
    assert placed.leases.holder("app") is None
    assert _rows(placed) == {"relocations": 0, "idempotency": 0, "events": 0}


def test_requests_that_come_together_are_judged_one_by_one(placed: Database) -> None:
    """In one transaction: who is refused stops nobody, and of two for one application one is accepted."""
    unknown, late = RelocationRequest(application="maps"), RelocationRequest(application="app")
    asked = [Asked("rel-1", unknown, None, Actor()), Asked("rel-2", REQUEST, "k", Actor())]
    asked += [Asked("rel-3", late, None, Actor()), Asked("rel-4", REQUEST, "k", Actor())]
    none, first, other, again = placed.acceptance.accept_fitting(asked)
    assert isinstance(none, NotFound)
    assert isinstance(first, Accepted)
    assert isinstance(other, AlreadyRelocating)
    assert other.relocation == "rel-2"
    assert isinstance(again, Accepted)
    assert (again.view, again.repeated) == (first.view, True)
    assert _rows(placed) == {"relocations": 1, "idempotency": 1, "events": 2}


def test_what_is_not_placed_cannot_move(placed: Database) -> None:
    """There is nothing to move, and the error says what to do first."""
    placed.placements.forget("app", "mec-a")
    with pytest.raises(InvalidRequest, match="app is not placed; place it first"):
        placed.placements.fitting(REQUEST)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_end_of_any_kind_gives_the_lease_back(database: Database, outcome: Outcome) -> None:
    """And the next lease is higher."""
    database.acceptance.accept("rel-1", REQUEST)
    _finish(database, "rel-1", outcome)
    assert database.leases.holder("app") is None
    assert database.acceptance.accept("rel-2", REQUEST).lease == 2


def test_needing_an_operator_keeps_the_lease(database: Database) -> None:
    """The run stays open, and nobody else may move the application."""
    database.acceptance.accept("rel-1", REQUEST)
    database.relocations.change("rel-1", lambda v: v.model_copy(update={"status": Status.NEEDS_OPERATOR}))
    with pytest.raises(AlreadyRelocating):
        database.acceptance.accept("rel-2", REQUEST)


def test_a_late_end_does_not_take_the_next_ones_lease(database: Database) -> None:
    """The old relocation's view may still be written; the lease is the new one's."""
    database.acceptance.accept("rel-1", REQUEST)
    _finish(database, "rel-1")
    database.acceptance.accept("rel-2", REQUEST)
    database.relocations.change("rel-1", lambda view: view.model_copy(update={"sentence": "late"}))
    assert database.leases.holder("app") == "rel-2"
