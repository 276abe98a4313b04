# SPDX-License-Identifier: Apache-2.0
"""What EMCO keeps: documents in collections, each below another document.

A path has no `/v2` and is a tuple: ("projects", "p", "composite-apps", "shop", "v1", "apps", "web"). A composite application has two
parts to its name, the second from its `spec`.
"""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from relocate.emco_sim.errors import Refused, not_found

Path = tuple[str, ...]
Body = Mapping[str, Any]

_COMPOSITE_APPS = ("projects", "*", "composite-apps")
_GROUPS = (*_COMPOSITE_APPS, "*", "*", "deployment-intent-groups")
_PLACEMENTS = (*_GROUPS, "*", "generic-placement-intents")

KINDS: Mapping[Path, str] = {
    ("controllers",): "Controller",
    ("cluster-providers",): "Cluster provider",
    ("cluster-providers", "*", "clusters"): "Cluster",
    ("cluster-providers", "*", "clusters", "*", "labels"): "Cluster label",
    ("cluster-providers", "*", "clusters", "*", "kv-pairs"): "Cluster key value pair",
    ("projects",): "Project",
    ("projects", "*", "logical-clouds"): "LogicalCloud",
    ("projects", "*", "logical-clouds", "*", "cluster-references"): "Cluster reference",
    _COMPOSITE_APPS: "CompositeApp",
    (*_COMPOSITE_APPS, "*", "*", "apps"): "App",
    (*_COMPOSITE_APPS, "*", "*", "composite-profiles"): "CompositeProfile",
    (*_COMPOSITE_APPS, "*", "*", "composite-profiles", "*", "profiles"): "AppProfile",
    _GROUPS: "DeploymentIntentGroup",
    (*_GROUPS, "*", "intents"): "Intent",
    _PLACEMENTS: "GenericPlacementIntent",
    (*_PLACEMENTS, "*", "app-intents"): "AppIntent",
}
"""Collections and what is in them, in EMCO's words."""


def kind_of(collection: Path) -> str:
    """What is in a collection.

    Raises:
        Refused: there is no such collection.
    """
    found = _kind(collection)
    if found is None:
        raise Refused(HTTPStatus.NOT_FOUND, "404 page not found")
    return found


def is_collection(path: Path) -> bool:
    """Whether it leads to a collection, and not to one document."""
    return _kind(path) is not None


def _kind(collection: Path) -> str | None:
    for shape, kind in KINDS.items():
        if len(shape) == len(collection) and all(
            wanted in ("*", is_) for wanted, is_ in zip(shape, collection, strict=True)
        ):
            return kind
    return None


class Resources:
    """Every document, in the order in which they came."""

    def __init__(self) -> None:
        """Nothing is there."""
        self._bodies: dict[Path, Body] = {}

    def create(self, collection: Path, body: Body) -> Path:
        """Keep a new one; its path.

        Raises:
            Refused: it has no name, its parent is not there, or there is one of its name.
        """
        path = (*collection, *_names(collection, body))
        self._check_parent(collection)
        if path in self._bodies:
            raise Refused(HTTPStatus.CONFLICT, f"{kind_of(collection)} already exists")
        self._bodies[path] = body
        return path

    def put(self, path: Path, body: Body) -> bool:
        """Keep it in place of the one that is there; False: there was none."""
        self._check_parent(path[:-1])
        existed = path in self._bodies
        self._bodies[path] = body
        return existed

    def get(self, path: Path) -> Body:
        """One document. Raises Refused."""
        if path not in self._bodies:
            raise not_found(kind_of(_collection_of(path)))
        return self._bodies[path]

    def list(self, collection: Path) -> Sequence[Body]:
        """All of a collection. Raises Refused when the collection has no parent."""
        self._check_parent(collection)
        return [body for _, body in self.below(collection)]

    def below(self, collection: Path) -> Iterator[tuple[str, Body]]:
        """Names and documents of a collection."""
        for path, body in self._bodies.items():
            if _collection_of(path) == collection:
                yield path[-1], body

    def delete(self, path: Path) -> None:
        """Forget it. Raises Refused while something is below it."""
        self.get(path)
        if any(other[: len(path)] == path for other in self._bodies if other != path):
            raise Refused(HTTPStatus.CONFLICT, "Cannot delete parent without deleting child references first")
        del self._bodies[path]

    def _check_parent(self, collection: Path) -> None:
        kind_of(collection)
        parent = collection[:-1]
        if parent:
            self.get(parent)


def _collection_of(path: Path) -> Path:
    """Of a document. A composite application's name has two parts."""
    two = path[:-2]
    return two if two[-1:] == ("composite-apps",) else path[:-1]


def _names(collection: Path, body: Body) -> Path:
    labels = collection[-1] == "labels"
    name = body.get("clusterLabel", "") if labels else body.get("metadata", {}).get("name", "")
    if not name:
        raise Refused(HTTPStatus.BAD_REQUEST, "Missing name in POST request")
    if collection[-1] == "composite-apps":
        return name, body.get("spec", {}).get("compositeAppVersion", "")
    return (name,)
