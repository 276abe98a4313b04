# SPDX-License-Identifier: Apache-2.0
"""What several processes write at the same moment ends as if they had taken turns. Each has a connection of its own here."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import select

from relocate.errors import AlreadyRelocating, InvalidRequest, RelocateError, StaleFence
from relocate.model.application import Application
from relocate.model.chain import broken_link
from relocate.model.cluster import Cluster, Gateway
from relocate.model.evidence import Claim
from relocate.model.placement import Placement
from relocate.model.relocation import Actor, Outcome, RelocationRequest, Status, View
from relocate.model.told import Told
from relocate.store.acceptance import Accepted, Asked
from relocate.store.database import Database
from relocate.store.tables import LEASES
from relocate.store.watched import HandOver, SeenFailure
from steering.errors import Conflict, Fenced, Rejected
from steering.model import Endpoint, Fence
from steering.store.gateways import Connected, GatewayStore, Parted, Session, Stand, Told as Said
from steering.store.routes import RouteStore
from tests.unit.steering.documents import document, fence

_T = TypeVar("_T")

ROUNDS = 10
APPLICATIONS = [f"app-{letter}" for letter in "abcdefgh"]


def together(url: str, count: int, do: Callable[[Database, int], _T]) -> Sequence[_T]:
    """What each of so many processes' worth of connections gets, all begun at the same moment."""
    start = Barrier(count)

    def one(number: int) -> _T:
        database = Database.open(url)
        try:
            with database.engine.connect():
                start.wait()
            return do(database, number)
        finally:
            database.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def _view(database: Database, identity: str = "rel-1", application: str = "app") -> View:
    return database.acceptance.accept(identity, RelocationRequest(application=application)).view


def _saying(sentence: str, view: View) -> View:
    return view.model_copy(update={"sentence": sentence})


def _note(text: str) -> Claim:
    return Claim(rung="note", sentence=text)


@pytest.fixture
def placed(database: Database) -> Database:
    """Every application is placed on mec-a; mec-b is free."""
    database.catalogue.put(Gateway(name="edge", adapter="memory"))
    for name in ("mec-a", "mec-b"):
        database.catalogue.put(Cluster(name=name, driver="memory"))
    for name in APPLICATIONS:
        database.catalogue.put(_application(name))
        here = {"application": name, "cluster": "mec-a", "instance": name, "active": True, "created_by": "place"}
        database.placements.put(Placement(**here, created_at=datetime.now(UTC)))
    return database


def _application(name: str, **more: object) -> Application:
    route = {"name": "web", "hosts": [f"{name}.test"], "gateways": ["edge"], "ports": [{"name": "http"}]}
    said = {"name": name, "workloads": {"memory": {}}, "routes": [route], "readiness": {"probes": [{"kind": "http"}]}}
    return Application.model_validate({**said, **more})


def test_no_change_is_lost(database: Database, url: str) -> None:
    """Four change one relocation ten times each: forty revisions, each told once."""
    _view(database)

    def change(mine: Database, number: int) -> None:
        for turn in range(ROUNDS):
            mine.relocations.change("rel-1", partial(_saying, f"{number}.{turn}"))

    together(url, 4, change)
    assert database.relocations.get("rel-1").revision == 4 * ROUNDS
    told = [event.data["revision"] for event in database.relocations.events("rel-1")]
    assert told == list(range(4 * ROUNDS + 1))


def test_what_two_bring_is_kept_once(database: Database, url: str) -> None:
    """A late attempt and the one that took over bring the same at the same moment."""
    view = _view(database)
    told = [
        Told(view=view.model_copy(update={"revision": n, "sentence": f"step {n}"}), claims=(_note(f"note {n}"),))
        for n in range(1, ROUNDS + 1)
    ]
    together(url, 4, lambda mine, _: [mine.relocations.keep(told[: n + 1]) for n in range(ROUNDS)])
    assert [one.claim.sentence for one in database.evidence.of("rel-1")] == [f"note {n}" for n in range(1, ROUNDS + 1)]
    assert len(database.relocations.events("rel-1")) == ROUNDS + 1


def test_a_fence_never_falls(database: Database, url: str) -> None:
    """Four go forward as fast as they can, and one looks: whoever passes has found no newer step."""
    database.leases.take("app", "rel-1")
    steps, climbing = itertools.count(1), [True] * 4

    def look(mine: Database) -> None:
        highest = 0
        while any(climbing):
            with mine.engine.connect() as connection:
                now = connection.execute(select(LEASES.c.sequence)).scalar_one()
            assert now >= highest
            highest = now

    def climb(mine: Database, number: int) -> None:
        if number == len(climbing):
            look(mine)
            return
        try:
            for _ in range(10 * ROUNDS):
                with suppress(StaleFence):
                    mine.leases.advance("app", Fence(lease=1, sequence=next(steps)))
        finally:
            climbing[number] = False

    together(url, len(climbing) + 1, climb)


def test_a_record_has_no_two_entries_of_one_number(database: Database, url: str) -> None:
    """Claims that come together are chained one behind the other."""
    _view(database)
    together(url, 4, lambda mine, _: [mine.evidence.append("rel-1", [_note(f"{n}")]) for n in range(ROUNDS)])
    entries = database.evidence.of("rel-1")
    assert [one.seq for one in entries] == list(range(1, 4 * ROUNDS + 1))
    assert broken_link(entries) is None


def test_a_step_and_an_end_at_once_do_not_wait_for_each_other(database: Database, url: str) -> None:
    """A step that tells something and a view that gives the lease back: both pass, or the step comes too late."""
    for turn in range(ROUNDS):
        view = _view(database, f"rel-{turn}", f"app-{turn}")
        step = Told(view=view.model_copy(update={"revision": 1, "sentence": "on the way"}))
        ended = {"revision": 2, "status": Status.FINISHED, "outcome": Outcome.COMPLETED}
        end = view.model_copy(update=ended)

        def go(mine: Database, number: int, step: Told = step, end: View = end) -> None:
            if number:
                mine.relocations.keep([Told(view=end)])
                return
            try:
                mine.leases.advance(end.application, Fence(lease=1, sequence=1), [step])
            except StaleFence:
                return

        together(url, 2, go)
        assert database.relocations.get(view.id).outcome == Outcome.COMPLETED
        assert database.leases.holder(view.application) is None


def test_requests_that_several_accept_in_any_order_get_one_lease_each(placed: Database, url: str) -> None:
    """Four front ends accept for the same applications, named in different orders: one each, and nobody is stuck."""

    def accept(mine: Database, number: int) -> Sequence[Accepted | RelocateError]:
        names = APPLICATIONS if number % 2 else APPLICATIONS[::-1]
        return mine.acceptance.accept_fitting(
            [Asked(f"{name}-{number}", RelocationRequest(application=name), None, Actor()) for name in names]
        )

    answers = [answer for answers in together(url, 4, accept) for answer in answers]
    accepted = [answer.view.application for answer in answers if isinstance(answer, Accepted)]
    assert sorted(accepted) == APPLICATIONS
    assert sum(isinstance(answer, AlreadyRelocating) for answer in answers) == 3 * len(APPLICATIONS)


def test_a_key_that_two_use_for_different_requests_is_good_for_one(placed: Database, url: str) -> None:
    """And the other is told so, as it would be a second later."""

    def ask(mine: Database, number: int) -> Accepted | RelocateError:
        request = RelocationRequest(application=APPLICATIONS[number])
        (answer,) = mine.acceptance.accept_fitting([Asked(f"rel-{number}", request, "key", Actor())])
        return answer

    answers = together(url, 4, ask)
    assert sum(isinstance(answer, Accepted) for answer in answers) == 1
    assert {one.field for one in answers if isinstance(one, InvalidRequest)} == {"Idempotency-Key"}


def test_front_ends_that_start_together_configure_the_same(database: Database, url: str) -> None:
    """Each brings the same file: every entry is new once, and each putting counts."""
    database.catalogue.put(Gateway(name="edge", adapter="memory"))
    entries = [Cluster(name="mec-a", driver="memory"), _application("app-a")]
    new = together(url, 4, lambda mine, _: [mine.catalogue.put(entry) for entry in entries])
    assert [sum(column) for column in zip(*new, strict=True)] == [1, 1]


def test_what_is_being_accepted_is_not_changed_meanwhile(placed: Database, url: str) -> None:
    """Either the change comes first, and counts, or it is refused because the relocation has begun."""
    for name in APPLICATIONS:
        changed = _application(name, workloads={"memory": {"changed": True}})

        def go(mine: Database, number: int, changed: Application = changed) -> Application | None:
            if number:
                asked = Asked(changed.name, RelocationRequest(application=changed.name), None, Actor())
                (answer,) = mine.acceptance.accept_fitting([asked])
                return answer.application if isinstance(answer, Accepted) else None
            try:
                mine.catalogue.put(changed)
            except InvalidRequest:
                return placed.catalogue.get(Application, changed.name)
            return changed

        configured, accepted = together(url, 2, go)
        assert configured == accepted


def test_a_route_that_two_make_is_made_once(database: Database, url: str) -> None:
    """A repeat answers what the first time did; of different ones the first is written, and the others hear of it."""

    def repeat(mine: Database, number: int) -> int:
        return RouteStore(mine.engine).write("edge", document(), fence(1), None)

    assert list(together(url, 4, repeat)) == [1] * 4

    def compete(mine: Database, number: int) -> bool:
        mine_alone = document(route="game", hosts=("game.example",), epoch=f"w{number}")
        try:
            return RouteStore(mine.engine).write("edge", mine_alone, fence(number), None) == 1
        except (Conflict, Fenced):
            return False

    assert sum(together(url, 4, compete)) == 1


def test_a_host_that_two_claim_belongs_to_one(database: Database, url: str) -> None:
    """The other is told whose it is."""

    def claim(mine: Database, number: int) -> str:
        try:
            RouteStore(mine.engine).write("edge", document(route=f"route-{number}"), fence(1), None)
        except Rejected as refused:
            return str(refused)
        return ""

    told = together(url, 4, claim)
    assert told.count("") == 1
    assert all("belongs to route route-" in one for one in told if one)


def test_a_fleet_that_moves_to_another_replica_is_recorded_by_both(database: Database, url: str) -> None:
    """One control plane records that all of them parted while another records that they are there, in another order."""
    old, new = (
        [Session(gateway="edge", instance=f"edge-{n}", id=f"{n}.{turn}", replica=f"r{turn}") for n in range(40)]
        for turn in (1, 2)
    )
    gateways = GatewayStore(database.engine)
    gateways.heartbeat("r2", "127.0.0.1:1")
    gateways.record([Connected(one) for one in old])

    def record(mine: Database, number: int) -> object:
        if number:
            return GatewayStore(mine.engine).record([Parted(one) for one in old])
        words = [word for one in new[::-1] for word in (Connected(one), Said(one, {"shop": Stand(applied=1, held=1)}))]
        return GatewayStore(mine.engine).record(words)

    together(url, 2, record)
    standing = gateways.standing("edge", "shop")
    assert all(standing.connected.values())
    assert len(standing.connected) == len(standing.stands) == 40


def test_what_is_handed_over_twice_at_once_is_kept_once(database: Database, url: str) -> None:
    """A prober and the one that took over bring the same seconds and failures, in different orders."""
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    seen = [SeenFailure("web", f"edge-{n}", noon + timedelta(seconds=n), "failed: reset") for n in range(40)]
    brought = [
        HandOver(f"rel-{n}", "web", {("edge", second): {"n": 1} for second in range(20)}, seen) for n in range(4)
    ]
    together(url, 4, lambda mine, number: mine.watched.put(*(brought if number % 2 else brought[::-1])))
    assert [len(database.watched.seconds(f"rel-{n}")) for n in range(4)] == [20] * 4
    assert len(database.watched.failures("rel-1")) == 40


def test_an_instance_that_two_say_has_moved_is_at_one_place(database: Database, url: str) -> None:
    """Each replica of the control plane follows the endpoints of every placed instance."""

    def move(mine: Database, number: int) -> None:
        for turn in range(ROUNDS):
            RouteStore(mine.engine).move_endpoints(
                "a-1", {"http": (Endpoint(host="127.0.0.1", port=1000 * (number + 1) + turn),)}
            )

    together(url, 3, move)
    (where,) = RouteStore(database.engine).moved_endpoints()["a-1"]["http"]
    assert where.port % 1000 == ROUNDS - 1


def test_what_several_start_is_marked_by_each(database: Database, url: str) -> None:
    """Sweepers of several front ends come to the same relocations in different orders."""
    names = [f"rel-{number}" for number in range(20)]
    for name in names:
        _view(database, name, name)
    together(url, 4, lambda mine, number: mine.acceptance.started(*(names if number % 2 else names[::-1])))
    assert database.acceptance.not_started() == []
