# SPDX-License-Identifier: Apache-2.0
"""Keeps the Services and EndpointSlices of one gateway's routes.

A write that is late can do no harm here. Names say whose instance it is. What exists is replaced and deleted only as it was
seen (resourceVersion), and whoever needs again what an earlier document had dropped touches it first.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from steering.gateway_api import names
from steering.gateway_api.endpoints import DOCUMENTED, PORT, WRITER, Wanted, documented, service, slices, wanted
from steering.kubernetes.api import Api
from steering.kubernetes.errors import Conflict, Invalid, NotFound
from steering.kubernetes.objects import Object
from steering.model import Endpoint, Endpoints, Fence, RouteDocument

Json = dict[str, Any]
Known = Mapping[str, Object]
"""Objects by name."""


class Services:
    """Of one gateway."""

    def __init__(self, api: Api, gateway: str, namespace: str) -> None:
        """Args: api: of the Gateway's cluster; gateway: its configured name; namespace: where the routes are."""
        self._api = api
        self._gateway = gateway
        self._namespace = namespace

    async def provide(
        self, document: RouteDocument, before: RouteDocument | None, fence: Fence, owner: Json | None
    ) -> Known:
        """Make sure that everything a document needs is there, before the route names it.

        An instance that has moved since it was documented stays where `follow` has put it.

        Args:
            document: about to be written.
            before: what it follows; None for the first.
            fence: the writer's.
            owner: reference to the HTTPRoute; None while it is not there.

        Returns:
            The route's Services as they were found, for `tidy`.

        Raises:
            KubernetesError: see there; `Conflict` and `Exists` say that somebody else writes at this moment.
        """
        found = await self._services(names.of_route(self._gateway, document.route))
        settled = wanted(before) if before is not None else {}
        missing = [
            one
            for one in wanted(document).values()
            if one.name not in settled or _why_not_settled(one, found.get(one.name), owner)
        ]
        if missing:
            standing = await self._slices(names.of_route(self._gateway, document.route))
            await asyncio.gather(*(self._write(one, found.get(one.name), standing, fence, owner) for one in missing))
        return found

    async def tidy(self, route: str, found: Known, kept: Iterable[RouteDocument]) -> None:
        """Remove those Services of a route that none of these documents names, as they were found.

        The document before is one of them: a replica that is behind may still use what that names.
        """
        needed = {name for document in kept for name in wanted(document)}
        doomed = [one for name, one in found.items() if name not in needed]
        if doomed:
            standing = await self._slices(names.of_route(self._gateway, route))
            await asyncio.gather(*(self._remove(one, standing) for one in doomed))

    async def clear(self, route: str) -> None:
        """Remove whatever belongs to a route: it names none of it any more."""
        await self.tidy(route, await self._services(names.of_route(self._gateway, route)), ())

    async def serving(self, services: Collection[str]) -> Collection[str]:
        """Which of these Services, whosever they are, have somewhere to send a request."""
        found = await self._api.list(names.ENDPOINT_SLICE, self._namespace)
        led = [one for one in found.items if any(_is_ready(to) for to in one.get("endpoints") or ())]
        return {one["metadata"].get("labels", {}).get(names.SERVICE_NAME) for one in led} & set(services)

    async def follow(self, instance: str, endpoints: Endpoints) -> bool:
        """Say in every Service of an instance where it listens now; whether there is any."""
        selector = names.of_instance(self._gateway, instance)
        found = await self._services(selector)
        if found:
            standing = await self._slices(selector)
            await asyncio.gather(*(self._follow(one, endpoints, standing) for one in found.values()))
        return bool(found)

    async def _follow(self, of: Object, endpoints: Endpoints, standing: Known) -> None:
        now = endpoints.get(of["metadata"]["annotations"][PORT])
        if now:
            await self._put_slices(of, now, standing)

    async def _write(
        self, one: Wanted, found: Object | None, standing: Known, fence: Fence, owner: Json | None
    ) -> None:
        sent = service(one, self._gateway, self._namespace, fence, owner)
        belong = _belonging(one.name, standing)
        documented_anew = found is None or found["metadata"]["annotations"].get(DOCUMENTED) != documented(one.endpoints)
        # The Service comes last: as long as it does not say so, its EndpointSlices are not taken for written.
        if documented_anew or not belong:
            await self._put_slices(sent, one.endpoints, standing)
        else:
            await asyncio.gather(*(self._api.replace(_marked(slice_, sent)) for slice_ in belong.values()))
        if found is None:
            await self._api.create(sent)
        else:
            # Its addresses were given by the cluster and may not change.
            spec = {**found["spec"], "ports": sent["spec"]["ports"]}
            await self._replace({**sent, "metadata": _at(sent, found), "spec": spec})

    async def _replace(self, sent: Object) -> None:
        """Replace a Service.

        One that is deleted at this moment is made anew by the API server, which then refuses its address as long as that is
        not free again (measured on 1.34: 12 times in 300).
        """
        try:
            await self._api.replace(sent)
        except Invalid as error:
            if await self._stands(sent):
                raise
            raise Conflict(f"Service {sent['metadata']['name']} was deleted meanwhile: {error}") from error

    async def _stands(self, sent: Object) -> bool:
        metadata = sent["metadata"]
        try:
            now = await self._api.get(names.SERVICE, metadata["namespace"], metadata["name"])
        except NotFound:
            return False
        return bool(now["metadata"]["resourceVersion"] == metadata["resourceVersion"])

    async def _put_slices(self, of: Object, endpoints: Sequence[Endpoint], standing: Known) -> None:
        belong = _belonging(of["metadata"]["name"], standing)
        sent = {one["metadata"]["name"]: one for one in slices(of, endpoints)}
        for name, one in sent.items():
            found = belong.get(name)
            if found is None:
                await self._api.create(one)
            elif _why_not_same(one, found):
                await self._api.replace({**one, "metadata": _at(one, found)})
        # What was moved away goes last, so that there is never nothing.
        for name in belong.keys() - sent.keys():
            await self._delete(belong[name])

    async def _remove(self, found: Object, standing: Known) -> None:
        try:
            await self._delete(found)
            for one in _belonging(found["metadata"]["name"], standing).values():
                await self._delete(one)
        except Conflict:
            # Somebody needs it again.
            return

    async def _delete(self, found: Object) -> None:
        metadata = found["metadata"]
        kind = names.SERVICE if found["kind"] == names.SERVICE.name else names.ENDPOINT_SLICE
        try:
            await self._api.delete(
                kind,
                metadata["namespace"],
                metadata["name"],
                uid=metadata["uid"],
                resource_version=metadata["resourceVersion"],
            )
        except NotFound:
            return

    async def _services(self, selector: str) -> dict[str, Object]:
        found = await self._api.list(names.SERVICE, self._namespace, labels=selector)
        return {one["metadata"]["name"]: one for one in found.items}

    async def _slices(self, selector: str) -> dict[str, Object]:
        found = await self._api.list(names.ENDPOINT_SLICE, self._namespace, labels=selector)
        return {one["metadata"]["name"]: one for one in found.items}


def _why_not_settled(one: Wanted, found: Object | None, owner: Json | None) -> str | None:
    """Why a Service that the document before named has to be written again."""
    if found is None:
        return "it is gone"
    if found["metadata"]["annotations"].get(DOCUMENTED) != documented(one.endpoints):
        return "its document says something else"
    return "it has another owner" if not _is_owned(found, owner) else None


def _is_owned(found: Object, owner: Json | None) -> bool:
    uids = [one["uid"] for one in found["metadata"].get("ownerReferences") or ()]
    return uids == ([owner["uid"]] if owner else [])


def _why_not_same(sent: Object, found: Object) -> str | None:
    if any(sent[key] != found.get(key) for key in ("addressType", "ports", "endpoints")):
        return "it listens elsewhere"
    theirs, ours = found["metadata"], sent["metadata"]
    owners = [one["uid"] for one in theirs.get("ownerReferences") or ()] == [
        one["uid"] for one in ours["ownerReferences"]
    ]
    return None if owners and theirs.get("annotations") == ours["annotations"] else "somebody else wrote it"


def _is_ready(endpoint: Mapping[str, Any]) -> bool:
    """Unknown is taken for ready (discovery.k8s.io/v1, EndpointConditions)."""
    return (endpoint.get("conditions") or {}).get("ready") is not False


def _belonging(to: str, standing: Known) -> dict[str, Object]:
    return {name: one for name, one in standing.items() if one["metadata"]["labels"].get(names.SERVICE_NAME) == to}


def _at(sent: Object, found: Object) -> Json:
    """The metadata that is sent, only for the object as it was found."""
    return {**sent["metadata"], "resourceVersion": found["metadata"]["resourceVersion"]}


def _marked(found: Object, of: Object) -> Json:
    """An EndpointSlice as it was found, with the mark and the owner of a Service that needs it again."""
    metadata = {
        **found["metadata"],
        "annotations": {WRITER: of["metadata"]["annotations"][WRITER]},
        "ownerReferences": of["metadata"]["ownerReferences"],
    }
    return {**found, "metadata": metadata}
