# SPDX-License-Identifier: Apache-2.0
"""One API server, in terms of plain objects: get, list, create, apply, patch, delete, watch.

Every call has a time-out. What says "later" (429, 503 with `Retry-After`) is asked again within it, and so is what forbids
something while it starts; what does not know us is asked once more with credentials that are read anew. Nothing is forced.
"""

import asyncio
import json
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote
from weakref import WeakSet

import aiohttp

from steering.kubernetes.connection import Connection, connect
from steering.kubernetes.errors import NotFound, Unauthorized, Unreachable, of_status
from steering.kubernetes.objects import Kind, Object
from steering.kubernetes.session import Request, Session

SECONDS = 10.0
"""Longest time for a call, its repetitions included."""
WATCH_SECONDS = 240
"""After this time the API server is to end a watch, which is then begun anew; a silent one is given up a little later."""
SILENCE_SECONDS = 75.0
"""A watch says something at least each minute (a bookmark); one that does not is not believed any more."""
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
"""Where the API server does not say how long to wait."""
STARTING_SECONDS = 3.0
"""An API server that starts forbids everything until it has read its roles. One that does not let us ask whether it has
started is believed after this time."""
RETRY_AFTER = "Retry-After"
LATER = frozenset({429, 500, 502, 503, 504})
APPLY, MERGE, JSON_PATCH = "application/apply-patch+yaml", "application/merge-patch+json", "application/json-patch+json"


class Resource(NamedTuple):
    """Where objects of a kind are."""

    prefix: str
    """`/api/v1`, `/apis/apps/v1`."""
    plural: str
    namespaced: bool

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """Of one object, or of all in a namespace, or of all there are."""
        inside = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        return f"{self.prefix}{inside}/{self.plural}{f'/{quote(name)}' if name else ''}"


class Listed(NamedTuple):
    """Objects, and the version that a watch goes on from."""

    items: Sequence[Object]
    resource_version: str


class Event(NamedTuple):
    """One thing that a watch told."""

    type: str
    """`ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK`."""
    object: Object


class Api:
    """One API server. It is connected to when it is first asked."""

    def __init__(self, connection: Connection, *, manager: str, seconds: float = SECONDS) -> None:
        """Args: connection: where and as whom; manager: the field manager of what we apply; seconds: for one call."""
        self._connection = connection
        self._manager = manager
        self._seconds = seconds
        self._session: Session | None = None
        self._connecting = asyncio.Lock()
        self._streams: WeakSet[aiohttp.ClientResponse] = WeakSet()
        self._kinds: dict[Kind, Resource] = {}
        self.heard_at = -math.inf
        """When the API server last said anything, on the monotonic clock."""

    async def ping(self) -> None:
        """See that it answers, and knows us."""
        await self._ask(Request("GET", "/version"))

    async def resource(self, kind: Kind) -> Resource:
        """Where objects of a kind are; what is not known is asked for each time.

        Raises:
            NotFound: the cluster has no such kind.
        """
        if kind not in self._kinds:
            prefix = f"/apis/{kind.api_version}" if "/" in kind.api_version else f"/api/{kind.api_version}"
            found = await self._ask(Request("GET", prefix))
            for one in found.get("resources", ()):
                if "/" not in one["name"]:
                    self._kinds[Kind(kind.api_version, one["kind"])] = Resource(prefix, one["name"], one["namespaced"])
            if kind not in self._kinds:
                raise NotFound(f"the cluster has no kind {kind.name} in {kind.api_version}")
        return self._kinds[kind]

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        """One object."""
        resource = await self.resource(kind)
        return await self._ask(Request("GET", resource.path(namespace, name)))

    async def list(self, kind: Kind, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listed:
        """Every object that the selectors pick."""
        resource = await self.resource(kind)
        said = {"labelSelector": labels, "fieldSelector": fields}
        query = {key: value for key, value in said.items() if value}
        found = await self._ask(Request("GET", resource.path(namespace), query))
        # Items of a list do not say what they are.
        called = {"apiVersion": kind.api_version, "kind": kind.name}
        return Listed([{**called, **one} for one in found.get("items") or ()], found["metadata"]["resourceVersion"])

    async def create(self, found: Object) -> Object:
        """Make an object that is not there."""
        resource, metadata = await self.resource(_kind(found)), found["metadata"]
        query = {"fieldManager": self._manager}
        return await self._ask(Request("POST", resource.path(metadata.get("namespace")), query, found))

    async def replace(self, found: Object) -> Object:
        """Put another one in its place; with a `resourceVersion` only if it is still at that."""
        resource, metadata = await self.resource(_kind(found)), found["metadata"]
        path = resource.path(metadata.get("namespace"), metadata["name"])
        return await self._ask(Request("PUT", path, {"fieldManager": self._manager}, found))

    async def apply(self, found: Object, *, dry_run: bool = False) -> Object:
        """Server-side apply, never forced.

        Raises:
            FieldConflict: somebody else owns a field that would change.
        """
        resource, metadata = await self.resource(_kind(found)), found["metadata"]
        path = resource.path(metadata.get("namespace"), metadata["name"])
        query = {"fieldManager": self._manager, "force": "false"} | ({"dryRun": "All"} if dry_run else {})
        return await self._ask(Request("PATCH", path, query, found, APPLY))

    async def patch(self, kind: Kind, namespace: str | None, name: str, body: Any, content: str = MERGE) -> Object:
        """Change a part of it: a merge patch, or a JSON patch."""
        resource = await self.resource(kind)
        query = {"fieldManager": self._manager}
        return await self._ask(Request("PATCH", resource.path(namespace, name), query, body, content))

    async def delete(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: str = "Background",
    ) -> None:
        """Ask for an object to go, only if it is this very one."""
        resource = await self.resource(kind)
        presumed = {"uid": uid, "resourceVersion": resource_version}
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
            "preconditions": {key: value for key, value in presumed.items() if value},
        }
        await self._ask(Request("DELETE", resource.path(namespace, name), {}, options))

    async def watch(
        self, kind: Kind, namespace: str | None = None, *, labels: str = "", since: str
    ) -> AsyncIterator[Event]:
        """What changes after a version, until the API server ends it.

        Raises:
            Expired: that version is too old.
            Unreachable: it broke off, or was silent for too long.
        """
        resource = await self.resource(kind)
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": since}
        query |= {"timeoutSeconds": str(WATCH_SECONDS)} | ({"labelSelector": labels} if labels else {})
        async with aclosing(self._lines(Request("GET", resource.path(namespace), query))) as lines:
            async for line in lines:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise of_status(int(event["object"].get("code", 0)), event["object"])
                yield Event(event["type"], event["object"])

    async def close(self) -> None:
        """Let go of connections. Watches end: on one that is closed under it, a reader would wait for ever."""
        # Whoever asks meanwhile, or when this is broken off, is to find none that is closed.
        session, self._session = self._session, None
        for stream in tuple(self._streams):
            stream.close()
        if session is not None:
            await session.retire()

    async def _ask(self, request: Request) -> Object:
        """The answer, an object; with credentials that are read anew when the API server does not know us any more."""
        try:
            async with asyncio.timeout(self._seconds):
                used = await self._connected()
                try:
                    return await self._ask_patiently(request)
                except Unauthorized:
                    if used is self._session:  # nobody else has read them anew meanwhile
                        await self.close()
                    return await self._ask_patiently(request)
        except TimeoutError as error:
            raise Unreachable(f"{request}: no answer within {self._seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{request}: {error}") from error

    async def _ask_patiently(self, request: Request) -> Object:
        pause = PAUSE_SECONDS
        while True:
            async with self._answered(request) as answer:
                found = _decoded(await answer.read())
                self.heard_at = time.monotonic()
                if answer.status < 300:  # noqa: PLR2004 - HTTP
                    return found
                # A write that was turned away may be sent again; one that failed inside may have been done.
                if answer.status not in LATER or (request.method != "GET" and RETRY_AFTER not in answer.headers):
                    raise of_status(answer.status, found)
                wait = _seconds(answer.headers.get(RETRY_AFTER), pause)
            await asyncio.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _lines(self, request: Request) -> AsyncGenerator[bytes, None]:
        try:
            async with self._answered(request) as answer:
                if answer.status >= 300:  # noqa: PLR2004 - HTTP
                    raise of_status(answer.status, _decoded(await answer.read()))
                self._streams.add(answer)
                while True:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        line = await answer.content.readline()
                    if not line:
                        return
                    self.heard_at = time.monotonic()
                    yield line
        except TimeoutError as error:
            raise Unreachable(f"{request}: silent for {SILENCE_SECONDS:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{request}: {error}") from error

    async def _connected(self) -> Session:
        async with self._connecting:
            if self._session is None:
                self._session = Session(await connect(self._connection))
            return self._session

    @asynccontextmanager
    async def _answered(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer. What is forbidden is asked again: that counts if the API server had started before it was asked."""
        session = await self._connected()
        async with session.used():
            answer = await session.send(request)
            if answer.status == HTTPStatus.FORBIDDEN:
                answer.release()
                await _until_started(session)
                answer = await session.send(request)
            async with answer:
                yield answer


async def _until_started(session: Session) -> None:
    began = time.monotonic()
    while True:
        async with await session.send(Request("GET", "/readyz")) as answer:
            status = answer.status
        is_hidden = status == HTTPStatus.FORBIDDEN and time.monotonic() - began >= STARTING_SECONDS
        if is_hidden or not (status == HTTPStatus.FORBIDDEN or status in LATER):
            return
        await asyncio.sleep(PAUSE_SECONDS)


def _kind(found: Object) -> Kind:
    return Kind(found["apiVersion"], found["kind"])


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(said: str | None, otherwise: float) -> float:
    """`Retry-After` in seconds; API servers do not use its other form, a date."""
    try:
        return float(said) if said is not None else otherwise
    except ValueError:
        return otherwise
