# SPDX-License-Identifier: Apache-2.0
"""What the API tells Prometheus of the database."""

from datetime import UTC, datetime, timedelta

from relocate.model.cluster import Gateway
from relocate.model.relocation import Phase, RelocationRequest, Status, Step, StepState, View
from relocate.store.database import Database
from relocate.store.figures import Figures
from steering.store.gateways import Connected, GatewayStore, Parted, Session, Stand, Told

SINCE = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)


def in_phase(database: Database, identity: str, phase: Phase, since: datetime, status: Status = Status.RUNNING) -> None:
    """A relocation that is in a phase since then."""
    database.acceptance.accept(identity, RelocationRequest(application=identity))
    steps = [Step(phase=one) for one in Phase]
    place = [one.phase for one in steps].index(phase)
    steps[place] = Step(phase=phase, state=StepState.RUNNING, started_at=since)

    def begin(view: View) -> View:
        return view.model_copy(update={"status": status, "phase": phase, "steps": tuple(steps)})

    database.relocations.change(identity, begin)


def test_the_phases_of_those_that_go_on_by_themselves(database: Database) -> None:
    """Whoever waits for people is not slow."""
    in_phase(database, "one", Phase.DEPLOY, SINCE)
    in_phase(database, "two", Phase.DRAIN, SINCE + timedelta(seconds=5))
    in_phase(database, "three", Phase.DRAIN, SINCE, Status.HELD)
    found = {(one.phase, one.since) for one in Figures(database.engine).running()}
    assert found == {("deploy", SINCE), ("drain", SINCE + timedelta(seconds=5))}


def test_what_was_accepted_and_not_started(database: Database) -> None:
    """How many, and since when the oldest waits; none once they are on record as started."""
    figures = Figures(database.engine)
    assert figures.unstarted() == (0, None)
    first = database.acceptance.accept("one", RelocationRequest(application="one")).view
    database.acceptance.accept("two", RelocationRequest(application="two"))
    assert figures.unstarted() == (2, first.created_at)
    database.acceptance.started("one", "two")
    assert figures.unstarted() == (0, None)


def test_leases_by_what_holds_them(database: Database) -> None:
    """First placements apart from relocations; what was given back is not held."""
    database.acceptance.accept("rel-1", RelocationRequest(application="one"))
    database.leases.take("two", "place-rel-2")
    database.leases.take("three", "place-rel-3")
    database.leases.give_back("three", "place-rel-3")
    assert Figures(database.engine).leases() == {"placement": 1, "relocation": 1}


def test_refusals_that_stand_by_gateway(database: Database) -> None:
    """Of instances that are connected; a gateway of which nobody refuses anything counts 0."""
    for name in ("edge", "other"):
        database.catalogue.put(Gateway(name=name, adapter="memory"))
    here, gone = (Session(gateway="edge", instance=name, id=name, replica="r") for name in ("edge-1", "edge-2"))
    refused = {"shop": Stand(applied=2, rejected=3, reason="cluster: no"), "maps": Stand(applied=1)}
    gateways = GatewayStore(database.engine)
    gateways.record([Connected(here), Connected(gone), Told(here, refused), Told(gone, refused), Parted(gone)])
    assert Figures(database.engine).rejecting() == {"edge": 1, "other": 0}
