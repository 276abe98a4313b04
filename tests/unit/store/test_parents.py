# SPDX-License-Identifier: Apache-2.0
"""Relocations that another workflow starts: who that is stands beside them, until they have begun."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from relocate.errors import NotRunning
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.model.evidence import Claim
from relocate.model.placement import Placement
from relocate.model.relocation import Actor, Outcome, Parent, RelocationRequest, Status
from relocate.store.acceptance import Asked
from relocate.store.database import Database

PARENT = Parent(workflow="migrate-apps-1", run="r1")
CLAIM = Claim(rung="note", sentence="nobody starts it")


@pytest.fixture
def accept(database: Database) -> Callable[[], str]:
    """Accept a relocation of `app`, which is on mec-a, that a workflow will start; its id."""
    for name in ("mec-a", "mec-b"):
        database.catalogue.put(Cluster(name=name, driver="memory"))
    database.catalogue.put(Gateway(name="gw", adapter="memory"))
    route = {"name": "web", "hosts": ["app.test"], "gateways": ["gw"], "ports": [{"name": "http"}]}
    body = {"name": "app", "workloads": {"memory": {}}, "routes": [route], "readiness": {"probes": [{"kind": "http"}]}}
    database.catalogue.put(Application.model_validate(body))
    where = {"application": "app", "cluster": "mec-a", "instance": "app-1", "active": True}
    database.placements.put(Placement(**where, created_by="place", created_at=datetime.now(UTC)))

    def accept() -> str:
        request = RelocationRequest(application="app", target="mec-b")
        asked = Asked("rel-1", request, "rel-1", Actor(who="EMCO"), "", PARENT)
        database.acceptance.accept_fitting([asked])
        return "rel-1"

    return accept


def test_who_starts_it_is_known(database: Database, accept: Callable[[], str]) -> None:
    """Accepted again, it is the same one: once."""
    assert accept() == accept()
    (pending,) = database.acceptance.not_started()
    assert (pending.id, pending.parent) == ("rel-1", PARENT)
    assert database.relocations.begun() == set()


def test_what_nobody_starts_ends_and_frees_the_lease(database: Database, accept: Callable[[], str]) -> None:
    """As cancelled, with the reason on record."""
    view = database.relocations.end_unbegun(accept(), "nobody starts it", CLAIM)
    assert (view.status, view.outcome, view.sentence) == (Status.FINISHED, Outcome.CANCELLED, "nobody starts it")
    assert database.leases.holder("app") is None
    assert database.acceptance.not_started() == []
    assert [entry.claim.sentence for entry in database.evidence.of("rel-1")] == ["nobody starts it"]


def test_what_has_begun_is_not_ended_so(database: Database, accept: Callable[[], str]) -> None:
    """It runs, and ends by itself; what has ended stays as it is."""
    identity = accept()
    database.acceptance.started(identity)
    assert database.relocations.begun() == {identity}
    with pytest.raises(NotRunning, match="has begun"):
        database.relocations.end_unbegun(identity, "no", CLAIM)
    database.relocations.end_lost(identity, "lost", CLAIM)
    with pytest.raises(NotRunning, match="has ended"):
        database.relocations.end_unbegun(identity, "no", CLAIM)
    assert database.relocations.begun() == set()
