# SPDX-License-Identifier: Apache-2.0
"""What is configured, and what may not be changed under a running relocation's feet."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from relocate.errors import AlreadyExists, InvalidRequest, NotFound, StaleFence
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.model.evidence import Claim
from relocate.model.placement import Placement
from relocate.model.relocation import RelocationRequest
from relocate.store.database import Database
from relocate.store.evidence import append
from relocate.store.tables import CATALOGUE
from steering.model import Fence

ROUTE = {"name": "web", "hosts": ["app.test"], "gateways": ["edge"], "ports": [{"name": "http"}]}


def _application(**changes: Any) -> Application:
    said = {"name": "app", "workloads": {"memory": {}}, "routes": [ROUTE], "readiness": {"probes": [{"kind": "http"}]}}
    return Application.model_validate(said | changes)


def _placed(cluster: str, *, active: bool = False) -> Placement:
    return Placement(
        application="app",
        cluster=cluster,
        instance=f"app-{cluster}",
        active=active,
        created_by="place",
        created_at=datetime.now(UTC),
    )


@pytest.fixture
def configured(database: Database) -> Database:
    """A gateway, two clusters, an application."""
    database.catalogue.put(Gateway(name="edge", adapter="memory"))
    for name in ("mec-b", "mec-a"):
        database.catalogue.put(Cluster(name=name, driver="memory"))
    database.catalogue.put(_application())
    return database


def test_entries_are_replaced_whole(configured: Database) -> None:
    """Put says whether it is new; what comes back is what was put last; lists are by name."""
    assert configured.catalogue.put(Cluster(name="mec-c", driver="memory"))
    assert not configured.catalogue.put(Cluster(name="mec-c", driver="memory", cordoned=True))
    assert configured.catalogue.get(Cluster, "mec-c").cordoned
    assert [cluster.name for cluster in configured.catalogue.list(Cluster)] == ["mec-a", "mec-b", "mec-c"]


def test_a_name_is_known_by_its_kind(configured: Database) -> None:
    """A cluster and a gateway may share a name; what is not there is named in the error."""
    configured.catalogue.put(Cluster(name="edge", driver="memory"))
    assert isinstance(configured.catalogue.get(Gateway, "edge"), Gateway)
    with pytest.raises(NotFound, match="no application is called edge"):
        configured.catalogue.get(Application, "edge")
    with pytest.raises(NotFound, match="no gateway is called mec-a"):
        configured.catalogue.delete(Gateway, "mec-a")


def test_a_route_needs_known_gateways(configured: Database) -> None:
    """The error has the field's place and what is known."""
    with pytest.raises(InvalidRequest, match="no gateway is called core; known: edge") as refused:
        configured.catalogue.put(_application(routes=[ROUTE, {**ROUTE, "name": "maps", "gateways": ["core"]}]))
    assert refused.value.field == "routes.1.gateways"


def test_what_is_used_cannot_be_deleted(configured: Database) -> None:
    """A gateway with routes, a cluster with instances, an application with placements: each error says by whom."""
    configured.placements.put(_placed("mec-a", active=True))
    delete = configured.catalogue.delete
    attempts: list[tuple[Callable[[], None], str, str]] = [
        (lambda: delete(Gateway, "edge"), "edge", "app"),
        (lambda: delete(Cluster, "mec-a"), "mec-a", "app"),
        (lambda: delete(Application, "app"), "app", "mec-a"),
    ]
    for attempt, name, user in attempts:
        with pytest.raises(InvalidRequest, match=f"{name} cannot be deleted, .* {user}"):
            attempt()
    configured.placements.forget("app", "mec-a")
    configured.catalogue.delete(Application, "app")
    configured.catalogue.delete(Gateway, "edge")


def test_an_application_on_the_move_is_left_alone(configured: Database) -> None:
    """Neither changed nor deleted while a relocation holds its lease; afterwards it may be. What it is may be said at any time."""
    configured.leases.take("app", "rel-1")
    assert not configured.catalogue.put(_application())
    for attempt in (
        lambda: configured.catalogue.put(_application(sharing="shared")),
        lambda: configured.catalogue.delete(Application, "app"),
    ):
        with pytest.raises(InvalidRequest, match="app is being relocated by rel-1"):
            attempt()
    configured.leases.give_back("app", "rel-1")
    configured.catalogue.put(_application(sharing="shared"))


def test_one_placement_serves(configured: Database) -> None:
    """Activating one deactivates the other; the active one comes first."""
    configured.placements.put(_placed("mec-a", active=True))
    configured.placements.put(_placed("mec-b"))
    configured.placements.activate("app", "mec-b")
    assert [(one.cluster, one.active) for one in configured.placements.of("app")] == [("mec-b", True), ("mec-a", False)]
    active = configured.placements.active("app")
    assert active is not None
    assert active.cluster == "mec-b"


def test_what_takes_over_is_put_on_record_with_what_goes(configured: Database) -> None:
    """At no moment does the record say that nobody serves."""
    configured.placements.put(_placed("mec-a", active=True))
    configured.placements.put(_placed("mec-b"))
    configured.placements.forget("app", "mec-a", serves="mec-b")
    assert [(one.cluster, one.active) for one in configured.placements.of("app")] == [("mec-b", True)]


def test_placements_may_be_recorded_and_forgotten_again(configured: Database) -> None:
    """Repeats change nothing, and other applications' placements are not touched."""
    other = _placed("mec-a").model_copy(update={"application": "maps"})
    for placement in (_placed("mec-a"), _placed("mec-a"), other):
        configured.placements.put(placement)
    assert len(configured.placements.of("app")) == 1
    configured.placements.forget("app", "mec-a")
    configured.placements.forget("app", "mec-a")
    assert configured.placements.of("app") == []
    assert configured.placements.active("app") is None
    assert configured.placements.of("maps") == [other]


def test_an_overtaken_step_changes_no_placement(configured: Database) -> None:
    """Once a newer step has its turn, an older one neither records, forgets nor activates anything."""
    lease = configured.leases.take("app", "rel-1")
    old, new = (Fence(lease=lease, sequence=number) for number in (1, 2))
    configured.placements.put(_placed("mec-a", active=True), old)
    configured.leases.advance("app", new)
    attempts: list[Callable[[], None]] = [
        lambda: configured.placements.put(_placed("mec-b"), old),
        lambda: configured.placements.forget("app", "mec-a", serves="mec-b", fence=old),
        lambda: configured.placements.activate("app", "mec-b", old),
    ]
    for attempt in attempts:
        with pytest.raises(StaleFence, match="this is older"):
            attempt()
    assert [(one.cluster, one.active) for one in configured.placements.of("app")] == [("mec-a", True)]


def test_a_removal_is_forgotten_and_put_on_record_together(configured: Database) -> None:
    """Where the record cannot take it, the placement stays; and a stale step leaves no record of it."""
    configured.placements.put(_placed("mec-a"))
    removed = Claim(rung="note", sentence="app-1 was removed from mec-a")

    def refuse(_: Connection) -> None:
        raise RuntimeError("disk is full")

    with pytest.raises(RuntimeError, match="disk is full"):
        configured.placements.forget("app", "mec-a", also=refuse)
    assert len(configured.placements.of("app")) == 1
    configured.placements.forget("app", "mec-a", also=partial(append, relocation="rel-1", claims=[removed]))
    assert configured.placements.of("app") == []
    assert [entry.claim for entry in configured.evidence.of("rel-1")] == [removed]


def test_who_has_only_some_projects_replaces_nothing_of_others(configured: Database) -> None:
    """What is called alike in another project stays as it is."""
    with pytest.raises(AlreadyExists, match="names are unique over all projects"):
        configured.catalogue.put(_application(project="shopping", routes=[], ports=["http"]), owners={"shopping"})
    assert configured.catalogue.get(Application, "app").project == "default"
    assert not configured.catalogue.put(_application(sharing="shared"), owners={"default"})


def test_an_application_stands_on_what_is_shared_with_its_project(configured: Database) -> None:
    """A gateway that is not shared is not known to it; one that is shared with it, or with all, is."""
    route = {**ROUTE, "name": "till", "hosts": ["till.test"]}
    theirs = _application(name="till", project="shopping", routes=[route])
    with pytest.raises(InvalidRequest, match=r"no gateway is called edge; known: none"):
        configured.catalogue.put(theirs)
    for projects in (("shopping",), ("*",)):
        configured.catalogue.put(Gateway(name="edge", adapter="memory", shared_with=projects))
        configured.catalogue.put(theirs)
        configured.catalogue.delete(Application, "till")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"hosts": ["till.test", "APP.test"]}, r"routes\.0\.hosts: app\.test is taken at gateway edge"),
        ({"name": "web"}, r"routes\.0\.name: web is taken at gateway edge"),
    ],
)
def test_no_project_takes_anothers_users(configured: Database, changes: dict[str, Any], says: str) -> None:
    """A host, or a route's name, is one project's at a gateway; within a project applications may share."""
    configured.catalogue.put(Gateway(name="edge", adapter="memory", shared_with=("*",)))
    route = {**ROUTE, "name": "till", "hosts": ["till.test"], **changes}
    with pytest.raises(InvalidRequest, match=says):
        configured.catalogue.put(_application(name="till", project="shopping", routes=[route]))
    configured.catalogue.put(_application(name="till", routes=[route]))


def test_what_is_stood_on_stays_shared(configured: Database) -> None:
    """A cluster or gateway is not taken away from an application's project, nor the application from it."""
    configured.placements.put(_placed("mec-a", active=True))
    with pytest.raises(InvalidRequest, match=r"shared_with: must have default, whose app uses mec-a"):
        configured.catalogue.put(Cluster(name="mec-a", driver="memory", project="other"))
    with pytest.raises(InvalidRequest, match=r"shared_with: must have default, whose app uses edge"):
        configured.catalogue.put(Gateway(name="edge", adapter="memory", project="other"))
    configured.catalogue.put(Gateway(name="edge", adapter="memory", shared_with=("*",)))
    with pytest.raises(InvalidRequest, match=r"project: app is placed on mec-a, which is not shared with other"):
        configured.catalogue.put(_application(project="other"))
    configured.catalogue.put(Cluster(name="mec-a", driver="memory", project="other", shared_with=("default",)))
    configured.catalogue.put(Cluster(name="mec-b", driver="memory", project="other"))


def test_a_request_names_clusters_of_its_applications_project(configured: Database) -> None:
    """What is not shared with it is no target and no candidate, and is not told among those that are known."""
    configured.placements.put(_placed("mec-a", active=True))
    configured.catalogue.put(Cluster(name="mec-b", driver="memory", project="other"))
    for field, said in (("target", {"target": "mec-b"}), ("candidates", {"candidates": ("mec-b",)})):
        with pytest.raises(InvalidRequest, match=rf"{field}: no cluster is called mec-b; known: mec-a$"):
            configured.placements.fitting(RelocationRequest(application="app", **said))


def test_what_was_kept_before_there_were_projects_is_of_the_default(configured: Database) -> None:
    """An entry that says nothing of a project is as before."""
    with configured.engine.begin() as connection:
        kept = connection.execute(select(CATALOGUE.c.body).where(CATALOGUE.c.name == "edge")).scalar_one()
        old = {name: value for name, value in kept.items() if name not in ("project", "shared_with")}
        connection.execute(update(CATALOGUE).where(CATALOGUE.c.name == "edge").values(body=old))
    assert not configured.catalogue.put(_application(sharing="shared"))
