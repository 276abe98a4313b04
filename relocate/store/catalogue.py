# SPDX-License-Identifier: Apache-2.0
"""Applications, clusters and gateways as configured, and where applications are placed."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, bindparam, delete, func, insert, select, update

from relocate.errors import AlreadyExists, InvalidRequest, NotFound
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway, Infrastructure
from relocate.model.placement import Placement
from relocate.model.relocation import RelocationRequest
from relocate.model.values import DEFAULT_PROJECT
from relocate.store.tables import CATALOGUE, LEASES, PLACEMENTS
from relocate.store.turn import check_turn
from steering.model import Fence
from steering.store.engine import writing
from steering.store.turns import take_turns
from steering.store.upsert import upsert

CATALOGUE_TURN = "catalogue"
"""Of whoever changes an entry; who accepts what refers to entries shares it. It is taken before any other turn or row."""

Entry = Application | Cluster | Gateway
EntryT = TypeVar("EntryT", Application, Cluster, Gateway)

# Statements of every request and every step are made once: making one takes longer than running it.
_BODY = select(CATALOGUE.c.body).where(CATALOGUE.c.kind == bindparam("of"), CATALOGUE.c.name == bindparam("called"))
_OWNERS = select(
    CATALOGUE.c.name,
    CATALOGUE.c.body["project"].as_string().label("project"),
    CATALOGUE.c.body["shared_with"].label("shared"),
).where(CATALOGUE.c.kind == bindparam("of"))
_OTHERS_ROUTES = select(CATALOGUE.c.body["routes"].label("routes")).where(
    CATALOGUE.c.kind == Application.__name__,
    CATALOGUE.c.name != bindparam("called"),
    func.coalesce(CATALOGUE.c.body["project"].as_string(), DEFAULT_PROJECT) != bindparam("mine"),
)
_PLACED = (
    select(CATALOGUE.c.body, PLACEMENTS)
    .outerjoin_from(CATALOGUE, PLACEMENTS, and_(PLACEMENTS.c.application == CATALOGUE.c.name, PLACEMENTS.c.active))
    .where(CATALOGUE.c.kind == Application.__name__, CATALOGUE.c.name == bindparam("called"))
)


class Catalogue:
    """What is configured. Entries are replaced as a whole."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def put(self, entry: Entry, *, owners: Collection[str] | None = None) -> bool:
        """Keep `entry` under its kind and name; True if it was not there before. What stands there already is no change.

        Args:
            entry: checked by whoever knows its settings.
            owners: the projects of who wants this; None: all.

        Raises:
            AlreadyExists: there is one, of another project.
            InvalidRequest: it refers to something that is not configured, or changes what a relocation relies on.
        """
        with writing(self._engine) as connection:
            take_turns(connection, [CATALOGUE_TURN])
            _check_references(connection, entry)
            kept = select(CATALOGUE.c.revision, CATALOGUE.c.body).where(_is(type(entry), entry.name))
            found = connection.execute(kept).one_or_none()
            standing = None if found is None else type(entry).model_validate(found.body)
            if standing is not None and owners is not None and standing.project not in owners:
                kind = type(entry).__name__.lower()
                raise AlreadyExists(f"there is another {kind} called {entry.name}; names are unique over all projects")
            revision = 1 if found is None else found.revision + 1
            row = {"body": entry.model_dump(mode="json"), "revision": revision, "updated_at": datetime.now(UTC)}
            if found is None:
                connection.execute(insert(CATALOGUE).values(kind=type(entry).__name__, name=entry.name, **row))
            elif standing != entry:
                _refuse_while_relocating(connection, entry)
                connection.execute(update(CATALOGUE).where(_is(type(entry), entry.name)).values(**row))
            return found is None

    def get(self, kind: type[EntryT], name: str) -> EntryT:
        """The entry.

        Raises:
            NotFound: there is none of that kind and name.
        """
        return kind.model_validate(self._body(kind, name))

    def entry(self, kind: type[Entry], name: str) -> Entry:
        """As `get`, of a kind that is known only when it is asked for."""
        return kind.model_validate(self._body(kind, name))

    def _body(self, kind: type[Entry], name: str) -> object:
        with self._engine.connect() as connection:
            body: object = connection.execute(_BODY, {"of": kind.__name__, "called": name}).scalar()
        if body is None:
            raise unknown(kind, name)
        return body

    def cluster_for(self, application: Application, name: str) -> Cluster:
        """A cluster that this application may use.

        Raises:
            NotFound: there is none of that name for its project.
        """
        cluster = self.get(Cluster, name)
        if not cluster.serves(application.project):
            raise unknown(Cluster, name)
        return cluster

    def list(self, kind: type[EntryT]) -> Sequence[EntryT]:
        """All entries of a kind, by name."""
        with self._engine.connect() as connection:
            statement = select(CATALOGUE.c.body).where(CATALOGUE.c.kind == kind.__name__).order_by(CATALOGUE.c.name)
            return [kind.model_validate(body) for body in connection.execute(statement).scalars()]

    def delete(self, kind: type[EntryT], name: str) -> None:
        """Forget an entry.

        Raises:
            NotFound: there is none.
            InvalidRequest: something still needs it.
        """
        with writing(self._engine) as connection:
            take_turns(connection, [CATALOGUE_TURN])
            body = connection.execute(_BODY, {"of": kind.__name__, "called": name}).scalar()
            if body is None:
                raise unknown(kind, name)
            _refuse_while_used(connection, kind.model_validate(body))
            connection.execute(delete(CATALOGUE).where(_is(kind, name)))


class Placements:
    """Which instances are ours, and where. A relocation changes them under its fence: a late attempt changes nothing."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def put(self, placement: Placement, fence: Fence | None = None) -> None:
        """Record that this instance is ours; recording it again is fine.

        Raises:
            StaleFence: a newer step than `fence` has been here.
        """
        with self._changing(placement.application, fence) as connection:
            upsert(connection, PLACEMENTS, [placement.model_dump()])

    def forget(
        self,
        application: str,
        cluster: str,
        instance: str | None = None,
        *,
        serves: str | None = None,
        fence: Fence | None = None,
        also: Callable[[Connection], object] | None = None,
    ) -> None:
        """The instance is gone (None: whichever is there); an unknown one is fine. From now on the one on `serves` serves.

        What `also` writes is written in the same transaction.

        Raises:
            StaleFence: a newer step than `fence` has been here.
        """
        with self._changing(application, fence) as connection:
            gone = delete(PLACEMENTS).where(_at(application, cluster))
            connection.execute(gone if instance is None else gone.where(PLACEMENTS.c.instance == instance))
            if serves is not None:
                _activate(connection, application, serves)
            if also is not None:
                also(connection)

    def activate(self, application: str, cluster: str, fence: Fence | None = None) -> None:
        """From now on the instance on `cluster` is the one that serves.

        Raises:
            StaleFence: a newer step than `fence` has been here.
        """
        with self._changing(application, fence) as connection:
            _activate(connection, application, cluster)

    @contextmanager
    def _changing(self, application: str, fence: Fence | None) -> Iterator[Connection]:
        with writing(self._engine) as connection:
            if fence is not None:
                check_turn(connection, application, fence)
            yield connection

    def of(self, application: str) -> Sequence[Placement]:
        """All instances of the application, the active one first."""
        with self._engine.connect() as connection:
            statement = select(PLACEMENTS).where(PLACEMENTS.c.application == application)
            rows = connection.execute(statement.order_by(PLACEMENTS.c.active.desc(), PLACEMENTS.c.cluster))
            return [Placement.model_validate(dict(row)) for row in rows.mappings()]

    def all(self) -> Sequence[Placement]:
        """All instances of all applications."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(PLACEMENTS).order_by(PLACEMENTS.c.application, PLACEMENTS.c.cluster))
            return [Placement.model_validate(dict(row)) for row in rows.mappings()]

    def fitting(self, request: RelocationRequest) -> tuple[Application, Placement]:
        """The application that a request is about, and where it serves; raises as `fitting`."""
        with self._engine.connect() as connection:
            return fitting(connection, request)

    def active(self, application: str) -> Placement | None:
        """The instance that serves, or None when the application is not placed."""
        return next((placement for placement in self.of(application) if placement.active), None)


def fitting(connection: Connection, request: RelocationRequest) -> tuple[Application, Placement]:
    """The application that a request is about, and where it serves.

    Raises:
        NotFound: no application is called that.
        InvalidRequest: it is not placed, or not where the request says, or a named cluster is not configured.
    """
    row = connection.execute(_PLACED, {"called": request.application}).mappings().one_or_none()
    if row is None:
        raise unknown(Application, request.application)
    if row["cluster"] is None:
        raise InvalidRequest(f"application: {request.application} is not placed; place it first", field="application")
    placement = Placement.model_validate(dict(row))
    if request.source not in (None, placement.cluster):
        text = f"source: {request.application} runs on {placement.cluster}, not on {request.source}"
        raise InvalidRequest(text, field="source")
    application = Application.model_validate(row["body"])
    _check_clusters(connection, application, "target", (request.target,) if request.target else ())
    _check_clusters(connection, application, "candidates", request.candidates or ())
    return application, placement


def unknown(kind: type[Entry], name: str) -> NotFound:
    """There is none of that kind and name."""
    return NotFound(f"no {kind.__name__.lower()} is called {name}")


def _check_clusters(connection: Connection, application: Application, field: str, names: Sequence[str]) -> None:
    if not names:
        return
    known = _serving(connection, Cluster, application.project)
    for name in names:
        if name not in known:
            raise InvalidRequest(f"{field}: no cluster is called {name}; known: {_names(known)}", field=field)


def _serving(connection: Connection, kind: type[Cluster | Gateway], project: str) -> set[str]:
    """Names of those that applications of a project may use."""
    rows = connection.execute(_OWNERS, {"of": kind.__name__})
    return {row.name for row in rows if _owned(row).serves(project)}


def _owned(row: Row[*tuple[Any, ...]]) -> Infrastructure:
    """Whose it is; what was kept before there were projects says nothing of it."""
    return Infrastructure.model_construct(project=row.project or DEFAULT_PROJECT, shared_with=tuple(row.shared or ()))


def _activate(connection: Connection, application: str, cluster: str) -> None:
    of_application = update(PLACEMENTS).where(PLACEMENTS.c.application == application)
    connection.execute(of_application.values(active=PLACEMENTS.c.cluster == cluster))


def _is(kind: type[Entry], name: str) -> ColumnElement[bool]:
    return and_(CATALOGUE.c.kind == kind.__name__, CATALOGUE.c.name == name)


def _at(application: str, cluster: str) -> ColumnElement[bool]:
    return and_(PLACEMENTS.c.application == application, PLACEMENTS.c.cluster == cluster)


def _check_references(connection: Connection, entry: Entry) -> None:
    if isinstance(entry, Infrastructure):
        _refuse_to_leave_users(connection, entry)
        return
    known = _serving(connection, Gateway, entry.project)
    for number, route in enumerate(entry.routes):
        for gateway in route.gateways:
            if gateway not in known:
                field = f"routes.{number}.gateways"
                raise InvalidRequest(f"{field}: no gateway is called {gateway}; known: {_names(known)}", field=field)

    _refuse_others_routes(connection, entry)
    known = _serving(connection, Cluster, entry.project)
    placed = select(PLACEMENTS.c.cluster).where(PLACEMENTS.c.application == entry.name)
    for cluster in connection.execute(placed).scalars():
        if cluster not in known:
            text = f"project: {entry.name} is placed on {cluster}, which is not shared with {entry.project}"
            raise InvalidRequest(text, field="project")


def _refuse_others_routes(connection: Connection, entry: Application) -> None:
    """No project takes another's users: by a host, or by the name of a route, at a gateway that both use."""
    others = connection.execute(_OTHERS_ROUTES, {"called": entry.name, "mine": entry.project})
    taken = {(gateway, mark) for row in others for route in row.routes for gateway, mark in _marks(route)}
    for number, route in enumerate(entry.routes):
        for gateway, (field, mark) in _marks(route.model_dump()):
            if (gateway, (field, mark)) in taken:
                where = f"routes.{number}.{field}"
                text = f"{where}: {mark} is taken at gateway {gateway}, by an application of another project"
                raise InvalidRequest(text, field=where)


def _marks(route: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """By what a route is known at each of its gateways: field and value."""
    for gateway in route["gateways"]:
        yield gateway, ("name", route["name"])
        for host in route["hosts"]:
            yield gateway, ("hosts", host.lower())


def _refuse_to_leave_users(connection: Connection, entry: Cluster | Gateway) -> None:
    """An application that stands on it must be able to go on."""
    for application in _users(connection, entry):
        if not entry.serves(application.project):
            text = f"shared_with: must have {application.project}, whose {application.name} uses {entry.name}"
            raise InvalidRequest(text, field="shared_with")


def _users(connection: Connection, entry: Cluster | Gateway) -> Sequence[Application]:
    """Applications that stand on it, by name."""
    statement = select(CATALOGUE.c.body).where(CATALOGUE.c.kind == Application.__name__).order_by(CATALOGUE.c.name)
    if isinstance(entry, Cluster):
        placed = select(PLACEMENTS.c.application).where(PLACEMENTS.c.cluster == entry.name)
        statement = statement.where(CATALOGUE.c.name.in_(placed))
    found = [Application.model_validate(body) for body in connection.execute(statement).scalars()]
    if isinstance(entry, Cluster):
        return found
    return [one for one in found if any(entry.name in route.gateways for route in one.routes)]


def _refuse_while_relocating(connection: Connection, entry: Entry) -> None:
    statement = select(LEASES.c.application, LEASES.c.holder).where(LEASES.c.holder.is_not(None))
    held = {row.application: row.holder for row in connection.execute(statement)}
    if isinstance(entry, Application) and entry.name in held:
        text = f"name: {entry.name} is being relocated by {held[entry.name]}; change it when that has ended"
        raise InvalidRequest(text, field="name")


def _refuse_while_used(connection: Connection, entry: Entry) -> None:
    _refuse_while_relocating(connection, entry)
    match entry:
        case Application():
            placed = select(PLACEMENTS.c.cluster).where(PLACEMENTS.c.application == entry.name)
            used, reason = sorted(connection.execute(placed).scalars()), "it is placed on"
        case Cluster():
            placed = select(PLACEMENTS.c.application).where(PLACEMENTS.c.cluster == entry.name)
            used, reason = sorted(connection.execute(placed).scalars()), "it runs"
        case Gateway():
            used, reason = [one.name for one in _users(connection, entry)], "it carries routes of"
    if used:
        raise InvalidRequest(f"name: {entry.name} cannot be deleted, {reason} {_names(used)}", field="name")


def _names(names: "Sequence[str] | set[str]") -> str:
    return ", ".join(sorted(names)) or "none"
