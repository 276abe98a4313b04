# SPDX-License-Identifier: Apache-2.0
"""The routes of one gateway as objects: read, and replaced by compare-and-set."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from steering.errors import Conflict, Fenced, Rejected
from steering.fencing import decide
from steering.gateway_api import adoption, names
from steering.gateway_api.adoption import Original, Theirs, rules_of
from steering.gateway_api.drift import drift, version
from steering.gateway_api.endpoints import owner
from steering.gateway_api.kinds import KINDS
from steering.gateway_api.neighbours import why_not_ours
from steering.gateway_api.record import Record
from steering.gateway_api.rendering import new, written
from steering.gateway_api.services import Services
from steering.gateway_api.settings import GatewayApiSettings
from steering.kubernetes import errors as kubernetes
from steering.kubernetes.api import Api
from steering.kubernetes.objects import Object
from steering.model import Endpoints, Fence, RouteDocument

ATTEMPTS = 30
"""Writes that meet somebody else's, such as a controller's of the status, are begun anew this often."""
PAUSE_SECONDS = 0.02
_T = TypeVar("_T")
_MET = (kubernetes.Conflict, kubernetes.Exists, kubernetes.NotFound)
"""What says that somebody else was there in between."""


class Standing(NamedTuple):
    """A route of ours as it was read."""

    object: Object
    record: Record
    read_at: float
    """By the monotonic clock."""


class Routes:
    """Of one gateway."""

    def __init__(self, api: Api, gateway: str, settings: GatewayApiSettings) -> None:
        """Args: api: of the Gateway's cluster; gateway: its configured name; settings: its."""
        self._api = api
        self._gateway = gateway
        self._settings = settings
        self._kind = KINDS[settings.kind].object
        self._services = Services(api, gateway, settings.namespace)
        self._known: dict[str, Standing] = {}

    async def read(self, route: str, *, within: float = 0.0) -> Standing | None:
        """The route as it is, or as it was read at most `within` seconds ago; None if there is none that is ours.

        Raises:
            KubernetesError: see there; `Unreachable` also where the cluster has no Gateway API.
            Unavailable: what it says of itself was damaged.
        """
        known = self._known.get(route)
        if known is not None and time.monotonic() - known.read_at < within:
            return known
        found = await self._get(route)
        return self._keep(found) if found is not None and self._record(found) is not None else None

    async def write(self, document: RouteDocument, fence: Fence, base: str | None) -> int:
        """Replace the route's document; its new version.

        Raises:
            Fenced, Conflict: see `steering.fencing`; also if the route is not as it was when `base` was read.
            Rejected: the HTTPRoute is somebody else's, or the API server refuses the document.
            KubernetesError: see there.
        """
        return await self._again(partial(self._attempt, document, fence, base), f"{self._kind.name} {document.route}")

    async def remove(self, route: str, fence: Fence, base: str) -> None:
        """Take a route away.

        Raises:
            Fenced, Conflict, Rejected, KubernetesError: see `write`.
        """
        await self._again(partial(self._attempt_removal, route, fence, base), f"{self._kind.name} {route}")

    async def strange(self, route: str) -> Object | None:
        """The HTTPRoute of that name if it is somebody else's, and carries no document of any gateway."""
        found = await self._get(route)
        return found if found is not None and Record.read(found) is None else None

    async def claim(self, document: RouteDocument, fence: Fence) -> int | None:
        """Write the claimed form; its version, or None where it is theirs again already. Raises as `write`."""
        return await self._again(partial(self._claim, document, fence), f"HTTPRoute {document.route}")

    async def release(self, route: str, fence: Fence) -> None:
        """Leave a claimed route to whom it belonged; raises as `write`."""
        await self._again(partial(self._release, route, fence), f"HTTPRoute {route}")

    async def follow(self, instance: str, endpoints: Endpoints) -> bool:
        """Say where an instance listens now; whether any route here knows it."""
        return await self._again(partial(self._services.follow, instance, endpoints), f"what belongs to {instance}")

    async def _again(self, attempt: Callable[[], Awaitable[_T]], what: str) -> _T:
        """Begin anew whenever somebody else was there in between: everything is decided by what stands there then."""
        met: kubernetes.KubernetesError | None = None
        for number in range(ATTEMPTS):
            try:
                return await attempt()
            except _MET as error:
                met = error
                await asyncio.sleep(PAUSE_SECONDS * min(number, 5))
            except kubernetes.Invalid as error:
                raise Rejected(f"the API server refuses {what}: {error}") from error
        raise kubernetes.Unreachable(f"{what} could not be written in {ATTEMPTS} attempts: {met}") from met

    async def _attempt(self, document: RouteDocument, fence: Fence, base: str | None) -> int:
        found = await self._get(document.route)
        record = self._ours(found) if found is not None else None
        current = record.current if record else None
        number = decide(current, document, fence, number_of(base), floor=0 if record else _moment())
        if number is None:
            return record.version if record else 0
        if found is None or record is None:
            return await self._begin(document, Record.first(self._gateway, number, fence, document))
        self._check_unchanged(found, record, base)
        theirs = await self._theirs(record.original, document)
        return await self._replace(found, record, record.next(number, fence, document, theirs))

    async def _attempt_removal(self, route: str, fence: Fence, base: str) -> None:
        found = await self._get(route)
        if found is None:
            return
        record = self._ours(found)
        decide(record.current, None, fence, number_of(base))
        self._check_unchanged(found, record, base)
        theirs = [str(rule.get("name", "without a name")) for rule in found["spec"]["rules"] if not names.is_ours(rule)]
        if theirs:
            raise Rejected(
                f"{self._kind.name} {route} is not removed: rules of somebody else stand in it: {', '.join(theirs)}"
            )
        metadata = found["metadata"]
        seen = {"uid": metadata["uid"], "resource_version": metadata["resourceVersion"]}
        await self._api.delete(self._kind, metadata["namespace"], route, **seen)

    async def _begin(self, document: RouteDocument, record: Record) -> int:
        await self._services.provide(document, None, record.fence, None)
        sent = record.put(self._written(new(document, self._settings), record))
        stored = self._keep(await self._api.create(sent))
        # Now there is somebody to own them; what a route of that name had owned before is made sure of again.
        services = await self._services.provide(document, document, record.fence, owner(stored.object))
        await self._services.tidy(document.route, services, [document])
        return record.version

    async def _replace(self, found: Object, before: Record, record: Record) -> int:
        document = record.document
        services = await self._services.provide(document, before.document, record.fence, owner(found))
        self._keep(await self._api.replace(record.put(self._written(found, record))))
        await self._services.tidy(document.route, services, [before.document, document])
        return record.version

    async def _claim(self, document: RouteDocument, fence: Fence) -> int | None:
        found = await self._get(document.route)
        if found is None:
            raise Rejected(f"there is no HTTPRoute {self._settings.namespace}/{document.route}")
        before = Record.read(found)
        if before is not None and before.original is not None and adoption.is_theirs(found):
            return None
        record = self._first(found, fence, document) if before is None else await self._back(found, fence, document)
        if record is None or record.original is None:
            return before.version if before else 0  # a repeat
        services = await self._services.provide(
            document, before.document if before else None, record.fence, owner(found)
        )
        self._keep(
            await self._api.replace(record.put(adoption.claim(found, record.original, document, self._settings)))
        )
        await self._services.tidy(document.route, services, [document, *([before.document] if before else ())])
        return record.version

    def _first(self, found: Object, fence: Fence, document: RouteDocument) -> Record:
        """The record of a claim of what is somebody else's."""
        reasons = list(adoption.problems(found, document, self._settings))
        kept = adoption.original(found, document)
        if len(json.dumps(kept.as_json())) > adoption.LONGEST_BYTES:
            reasons.append(f"its rules are longer than {adoption.LONGEST_BYTES} bytes")
        if reasons:
            raise Rejected(f"HTTPRoute {document.route}: {'; '.join(reasons)}")
        return Record.first(self._gateway, _moment(), fence, document).claiming(kept)

    async def _back(self, found: Object, fence: Fence, document: RouteDocument) -> Record | None:
        """The record of a claim of what was adopted; None for a repeat."""
        record = self._record(found)
        if record is None or record.original is None:
            raise Rejected(why_not_ours(found, self._gateway) or f"HTTPRoute {document.route} was not adopted")
        number = decide(record.current, document, fence, record.version)
        if number is None:
            return None
        self._check_unchanged(found, record, str(record.version))
        await self._check_serving(record.original)
        return record.next(number, fence, document).claiming(record.original)

    async def _theirs(self, kept: Original | None, document: RouteDocument) -> Theirs:
        """What becomes of theirs in a write: they wait beside what was adopted, unless their owner has let them go."""
        if kept is None or all(side.instance != kept.instance for side in document.backends):
            return Theirs.AWAY
        return Theirs.AWAY if await self._lost(kept) else Theirs.WAIT

    async def _check_serving(self, kept: Original) -> None:
        """See that what was there before serves: users are about to be sent there."""
        lost = await self._lost(kept)
        if lost:
            raise Rejected(f"Service {', '.join(lost)}, to which the route belonged, leads nowhere any more")

    async def _lost(self, kept: Original) -> Sequence[str]:
        wanted = adoption.backends(kept, self._settings.namespace)
        return sorted(set(wanted) - set(await self._services.serving(wanted)))

    async def _release(self, route: str, fence: Fence) -> None:
        found = await self._get(route)
        record = self._record(found) if found is not None else None
        if found is not None and record is not None:
            if fence < record.fence:
                raise Fenced(f"HTTPRoute {route} has been written under a newer fence")
            if record.original is None or not (record.original.theirs is Theirs.SERVE or adoption.is_theirs(found)):
                raise Rejected(f"HTTPRoute {route} is not claimed")
            await self._api.replace(adoption.restored(found, record.original))
            self._known.pop(route, None)
        # By now no replica sends anything there: it had no weight, and a replica that is behind gives it none.
        await self._services.clear(route)

    def _written(self, found: Object, record: Record) -> Object:
        ours = rules_of(record.original, record.document, self._settings)
        return written(found, record.document, ours, self._settings)

    def _check_unchanged(self, found: Object, record: Record, base: str | None) -> None:
        changed = drift(found, record, self._settings)
        if changed is not None and base != version(found, record, self._settings):
            raise Conflict(changed)

    async def _get(self, route: str) -> Object | None:
        try:
            await self._api.resource(self._kind)
        except kubernetes.NotFound as error:
            raise kubernetes.Unreachable(f"the cluster has no Gateway API: {error}") from error
        try:
            return await self._api.get(self._kind, self._settings.namespace, route)
        except kubernetes.NotFound:
            self._known.pop(route, None)
            return None

    def _keep(self, found: Object) -> Standing:
        record = self._record(found)
        if record is None:
            raise kubernetes.Unreachable(
                f"{self._kind.name} {found['metadata']['name']} came back without what was written"
            )
        standing = self._known[found["metadata"]["name"]] = Standing(found, record, time.monotonic())
        return standing

    def _ours(self, found: Object) -> Record:
        record = self._record(found)
        if record is None:
            raise Rejected(str(why_not_ours(found, self._gateway)))
        return record

    def _record(self, found: Object) -> Record | None:
        record = Record.read(found)
        return record if record is not None and record.gateway == self._gateway else None


def _moment() -> int:
    """Where the versions of a new route begin, in milliseconds.

    Nothing is left of one of that name that somebody deleted, and none is written so often that it came as far.
    """
    return time.time_ns() // 1_000_000


def number_of(base: str | None) -> int | None:
    """The number of a version: of one with drift, that of the write before.

    Raises:
        ValueError: somebody else made this version.
    """
    if base is None:
        return None
    number, dot, digest = base.partition(".")
    if not number.isdecimal() or (dot and not digest.isalnum()):
        raise ValueError(f"version: {base!r} was not made by this adapter")
    return int(number)
