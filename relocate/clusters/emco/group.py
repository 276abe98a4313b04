# SPDX-License-Identifier: Apache-2.0
"""One deployment intent group, asked and changed by EMCO's REST."""

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import ValidationError

from relocate.clusters.emco import status as statuses
from relocate.clusters.emco.placement import Intent, Label, Labelled, Place, app_of, labels_in
from relocate.clusters.emco.rest import Refused, Rest
from relocate.clusters.emco.settings import FIELD
from relocate.clusters.emco.status import Status
from relocate.emco.names import EmcoWorkload
from relocate.errors import ClusterUnavailable, InvalidWorkload


class AppIntent(NamedTuple):
    """An app intent, and where it is."""

    path: str
    body: Intent


class Group:
    """A group as an application names it."""

    def __init__(self, rest: Rest, workload: EmcoWorkload) -> None:
        """Args: rest: its EMCO; workload: which group, and which apps of it are meant."""
        self._rest = rest
        self._workload = workload
        names = (
            workload.project,
            workload.composite_app,
            workload.composite_app_version,
            workload.deployment_intent_group,
        )
        project, app, version, group = (quote(name, safe="") for name in names)
        self.path = f"/v2/projects/{project}/composite-apps/{app}/{version}/deployment-intent-groups/{group}"
        self.name = "/".join(names)

    async def intents(self) -> Sequence[AppIntent]:
        """The intents of every app that is meant, in the order in which the application names them.

        Raises:
            InvalidWorkload: there is no such group, or one of the apps has no intent.
            ClusterUnavailable: EMCO cannot be asked.
        """
        path = f"{self.path}/generic-placement-intents"
        try:
            placements = [name_of(one) for one in await self._rest.get(path) or ()]
            found = [
                AppIntent(f"{path}/{quote(name, safe='')}/app-intents/{quote(name_of(body), safe='')}", body)
                for name in placements
                for body in await self._rest.get(f"{path}/{quote(name, safe='')}/app-intents") or ()
            ]
            named = [(app_of(one.body), one) for one in found]
        except Refused as refused:
            raise InvalidWorkload(f"{FIELD}: EMCO's group {self.name}: {refused}", field=FIELD) from refused
        except (KeyError, TypeError, AttributeError) as error:
            raise ClusterUnavailable(f"what answers {path} is no EMCO: an app intent has no {error}") from error
        wanted = self._workload.apps or tuple(dict.fromkeys(app for app, _ in named))
        missing = [app for app in wanted if app not in dict(named)]
        if missing or not wanted:
            what = ", ".join(missing) or "any app"
            raise InvalidWorkload(f"{FIELD}.apps: EMCO's group {self.name} has no app intent for {what}", field=FIELD)
        return [one for app in wanted for name, one in named if name == app]

    async def labelled(self, intents: Collection[Intent]) -> Labelled:
        """The clusters that the labels in these intents mean now. Raises ClusterUnavailable."""
        found: dict[Label, Collection[Place]] = {}
        for label in {one for intent in intents for one in labels_in(intent)}:
            path = f"/v2/cluster-providers/{quote(label.provider, safe='')}/clusters"
            try:
                names = await self._rest.get(path, {"label": label.label}, clm=True) or ()
            except Refused as refused:
                raise ClusterUnavailable(
                    f"EMCO does not say which clusters have the label {label.label}: {refused}"
                ) from refused
            found[label] = {Place(label.provider, str(name)) for name in names}
        return found

    async def put(self, intent: AppIntent) -> None:
        """Put an app intent in place. Nothing comes of it before an update. Raises InvalidWorkload, ClusterUnavailable."""
        try:
            await self._rest.put(intent.path, intent.body)
        except Refused as refused:
            raise InvalidWorkload(f"{FIELD}: EMCO refuses an app intent: {refused}", field=FIELD) from refused

    async def update(self) -> None:
        """Have carried out what the intents say now.

        Raises:
            InvalidWorkload: EMCO refuses it; nothing was changed.
            ClusterUnavailable: EMCO cannot be asked; it may have been carried out.
        """
        try:
            await self._rest.act(f"{self.path}/update")
        except Refused as refused:
            raise InvalidWorkload(f"{FIELD}: EMCO refuses the update: {refused}", field=FIELD) from refused

    async def status(self, kind: str = "ready", context: str = "") -> Status:
        """What EMCO says of the group now.

        Args:
            kind: `ready` or `deployed`.
            context: of an earlier revision; empty: of the one in force.

        Raises:
            InvalidWorkload: EMCO says that there is no such group or context.
            ClusterUnavailable: EMCO cannot be asked.
        """
        query = {"status": kind, "output": "all", **({"instance": context} if context else {})}
        try:
            body = await self._rest.get(f"{self.path}/status", query)
            return statuses.read(body)
        except Refused as refused:
            raise InvalidWorkload(f"{FIELD}: EMCO's group {self.name}: {refused}", field=FIELD) from refused
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ClusterUnavailable(
                f"EMCO's status of {self.name} is in another shape: {where}: {first['msg']}"
            ) from error

    async def cluster_known(self, place: Place) -> bool:
        """Whether EMCO's cluster manager has the cluster. Raises ClusterUnavailable."""
        path = f"/v2/cluster-providers/{quote(place.provider, safe='')}/clusters/{quote(place.cluster, safe='')}"
        try:
            await self._rest.get(path, clm=True)
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return False
            raise ClusterUnavailable(f"EMCO does not say whether it has {place}: {refused}") from refused
        return True


def name_of(body: Mapping[str, Any]) -> str:
    """The name that a document of EMCO's has."""
    return str(body["metadata"]["name"])
