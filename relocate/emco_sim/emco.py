# SPDX-License-Identifier: Apache-2.0
"""The whole of it: documents, logical clouds, and the groups that are deployed."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from relocate import clusters
from relocate.clusters.contract import ClusterDriver
from relocate.emco_sim.errors import Refused, not_found
from relocate.emco_sim.files import AppFile, ClusterFile, marked, read
from relocate.emco_sim.group import Group, State
from relocate.emco_sim.placement import Cluster, Placement, check_intent, placed
from relocate.emco_sim.resources import Body, Path, Resources
from relocate.emco_sim.rsync import App, Release, Rsync
from relocate.emco_sim.status import Query, status

GROUPS, LOGICAL_CLOUDS = "deployment-intent-groups", "logical-clouds"


class Emco:
    """One EMCO, in memory. Documents come and go as `Resources` says; actions are below."""

    def __init__(self, release: Release = Release.R22_03) -> None:
        """Args: release: whose behaviour it has."""
        self._release = release
        self.resources = Resources()
        self._files: dict[Path, ClusterFile | AppFile] = {}
        self._groups: dict[Path, Group] = {}
        self._rsyncs: dict[Path, Rsync] = {}
        self._instantiated: set[Path] = set()
        """Logical clouds that are up."""
        self._drivers: dict[Cluster, ClusterDriver] = {}

    def create(self, collection: Path, body: Body, file: bytes | None = None) -> None:
        """Keep a new document, with its file where it has one. Raises Refused."""
        _check(collection, body)
        kept = _file(collection, file)
        path = self.resources.create(collection, body)
        if kept is not None:
            self._files[path] = kept
        if collection[-1] == GROUPS:
            self._groups[path] = Group(_now())
            self._rsyncs[path] = Rsync(self._release, self._driver, lambda app, cluster: self._app(path, app, cluster))

    def put(self, path: Path, body: Body) -> bool:
        """Keep a document in place of the one that is there; False: there was none. Raises Refused."""
        _check(path[:-1], body)
        return self.resources.put(path, body)

    def delete(self, path: Path) -> None:
        """Forget a document. Raises Refused: a group has to be terminated first."""
        group = self._groups.get(path)
        if group is not None and group.state is State.INSTANTIATED:
            raise Refused(HTTPStatus.CONFLICT, "DeploymentIntentGroup must be terminated before it can be deleted")
        self.resources.delete(path)
        self._files.pop(path, None)
        self._groups.pop(path, None)
        self._rsyncs.pop(path, None)

    def act(self, path: Path, action: str, body: Mapping[str, Any]) -> int | None:
        """Carry an action out; the new revision, where there is one. What follows from it follows later.

        Raises:
            Refused: not now, or not at all.
        """
        if path[-2] == LOGICAL_CLOUDS and action == "instantiate":
            self.resources.get(path)
            self._instantiated.add(path)
            return None
        if path[-2] != GROUPS:
            raise Refused(HTTPStatus.NOT_FOUND, "404 page not found")
        return self._of_group(path, action, body)

    def group(self, path: Path) -> Group:
        """A group's life so far. Raises Refused."""
        if path not in self._groups:
            raise not_found("DeploymentIntentGroup")
        return self._groups[path]

    async def status(self, path: Path, query: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        """What has become of a group. Raises Refused, for everything as 400, as EMCO has it."""
        try:
            group = self.group(path)
            asked = Query.read(query)
            wanted = next((value for name, value in query if name == "instance"), "")
            context = group.contexts.get(wanted) if wanted else group.current
            found = self._heading(path, group)
            if context is None:
                return found | {"deployedStatus": str(group.state)}
            seen = await self._rsyncs[path].seen(context.wanted)
            return {**found, **status(context, group.state, asked, seen)}
        except Refused as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error

    async def close(self) -> None:
        """Leave what runs as it is."""
        for rsync in self._rsyncs.values():
            await rsync.close()
        for driver in self._drivers.values():
            await driver.close()

    def labelled(self, provider: str, label: str) -> Sequence[Cluster]:
        """Clusters of a provider that have a label."""
        own = ("cluster-providers", provider, "clusters")
        return [
            Cluster(provider, name)
            for name, _ in self.resources.below(own)
            if label in (found for found, _ in self.resources.below((*own, name, "labels")))
        ]

    def _of_group(self, path: Path, action: str, body: Mapping[str, Any]) -> int | None:
        group, rsync, now = self.group(path), self._rsyncs[path], _now()
        revision: int | None = None
        match action:
            case "approve":
                group.approve(now)
            case "instantiate":
                rsync.instantiate(group.instantiate(_identity(), self._placement(path), now))
            case "update":
                before, context = group.update(_identity(), self._placement(path), now)
                rsync.update(before, context)
                revision = context.revision
            case "rollback":
                before, context = group.rollback(_identity(), _revision(body), now)
                rsync.update(before, context)
            case "terminate":
                rsync.terminate(group.terminate(now))
            case _:
                raise Refused(HTTPStatus.NOT_FOUND, "404 page not found")
        return revision

    def _placement(self, path: Path) -> Placement:
        """Where the intents of a group want its applications now."""
        cloud = (*path[:2], LOGICAL_CLOUDS, self.resources.get(path)["spec"]["logicalCloud"])
        self.resources.get(cloud)
        if cloud not in self._instantiated:
            raise Refused(HTTPStatus.CONFLICT, "Logical Cloud is not currently applied")
        references = (body["spec"] for _, body in self.resources.below((*cloud, "cluster-references")))
        known = [Cluster(spec["clusterProvider"], spec["cluster"]) for spec in references]
        placements = (*path, "generic-placement-intents")
        named = [name for name, _ in self.resources.below(placements)]
        intents = [body for name in named for _, body in self.resources.below((*placements, name, "app-intents"))]
        return placed(intents, known, self.labelled)

    def _heading(self, path: Path, group: Group) -> dict[str, Any]:
        spec = self.resources.get(path)["spec"]
        return {
            "project": path[1],
            "compositeApp": path[3],
            "compositeAppVersion": path[4],
            "compositeProfile": spec.get("compositeProfile", ""),
            "name": path[-1],
            "states": {"statusctxid": group.first, "actions": group.written()},
        }

    async def _driver(self, cluster: Cluster) -> ClusterDriver:
        if cluster not in self._drivers:
            file = self._files.get(("cluster-providers", cluster.provider, "clusters", cluster.name))
            if not isinstance(file, ClusterFile):
                raise not_found("Cluster")
            kind = clusters.load(file.driver)
            self._drivers[cluster] = kind.open(cluster.name, file.settings, database_url="sqlite://")
        return self._drivers[cluster]

    def _app(self, path: Path, app: str, cluster: Cluster) -> App:
        file = self._files.get((*path[:5], "apps", app))
        where = self._files.get(("cluster-providers", cluster.provider, "clusters", cluster.name))
        if not isinstance(file, AppFile) or not isinstance(where, ClusterFile):
            raise not_found("App")
        mark = f"{self._groups[path].first}-{app}"
        return App(mark, file.ports, marked(file.workloads.get(where.driver, {}), mark))


def _file(collection: Path, content: bytes | None) -> ClusterFile | AppFile | None:
    """A file that counts. Profiles have one too, of which nothing is wanted here."""
    if collection[-1] not in ("clusters", "apps"):
        return None
    if content is None:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "Unable to process file")
    return read(ClusterFile, content) if collection[-1] == "clusters" else read(AppFile, content)


def _check(collection: Path, body: Body) -> None:
    """The part of EMCO's schemas that something here relies on."""
    if collection[-1] == "app-intents":
        check_intent(body)
    if collection[-1] == GROUPS and not isinstance(body.get("spec", {}).get("logicalCloud"), str):
        raise Refused(HTTPStatus.BAD_REQUEST, "Invalid Input: spec: logicalCloud is required")


def _revision(body: Mapping[str, Any]) -> int:
    given = body.get("spec", {}).get("revision", "")
    if not isinstance(given, str) or not given.isdecimal():
        raise Refused(HTTPStatus.BAD_REQUEST, "Invalid Input: spec: revision is required")
    return int(given)


def _identity() -> str:
    """Of a context: digits, as EMCO has them."""
    return str(secrets.randbelow(9 * 10**18) + 10**18)


def _now() -> datetime:
    return datetime.now(UTC)
