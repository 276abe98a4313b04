# SPDX-License-Identifier: Apache-2.0
"""The agent's HTTP API (shapes in `wire`), over an `Owner`."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Set as AbstractSet
from contextlib import asynccontextmanager

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from relocate.clusters.process.owner import Busy, Conflict, Impossible, Key, Owner
from relocate.clusters.process.wire import Order, Refusal, Status, read_fence
from relocate.errors import StaleFence
from steering.model import Fence

Handler = Callable[[Request], Awaitable[Response]]

LARGEST_BODY = 256 * 1024
"""Bytes; an order is some hundred."""


def application(owner: Owner, *, token: str | None, hosts: AbstractSet[str]) -> Starlette:
    """The ASGI application.

    Args:
        owner: whose instances it shows; they end when the application shuts down.
        token: what callers must present as bearer token, or None.
        hosts: names that the Host header may have. A page in somebody's browser can reach loopback by a name that
            it controls (DNS rebinding), and this API runs programs.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await owner.close()

    api = _Api(owner)
    guard = _guard(token, hosts)
    path = "/instances/{application}/{instance}"
    routes = [
        Route("/healthz", api.health),
        Route("/instances", guard(api.index)),
        Route(path, guard(_fenced(api.put)), methods=["PUT"]),
        Route(path, guard(api.get), methods=["GET"]),
        Route(path, guard(_fenced(api.delete)), methods=["DELETE"]),
        Route(f"{path}/fence", guard(_fenced(api.advance)), methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


class _Api:
    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "serving"})

    async def index(self, _: Request) -> Response:
        return JSONResponse([status.model_dump(mode="json") for status in await self._owner.all()])

    async def put(self, request: Request) -> Response:
        try:
            order = Order.model_validate_json(await _body(request))
            fence = None if _is_dry_run(request) else _fence(request)
            return _shown(await self._owner.deploy(_key(request), order, fence))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return _refused(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        except Impossible as error:
            return _refused(422, str(error), field=error.field)
        except Conflict as error:
            return _refused(409, str(error))
        except Busy as error:
            return _refused(503, str(error))

    async def get(self, request: Request) -> Response:
        return _shown(await self._owner.status(_key(request)))

    async def delete(self, request: Request) -> Response:
        self._owner.remove(_key(request), _fence(request))
        return _shown(await self._owner.status(_key(request)))

    async def advance(self, request: Request) -> Response:
        self._owner.advance(_key(request), _fence(request))
        return _shown(await self._owner.status(_key(request)))


def _fenced(handler: Handler) -> Handler:
    """Around what changes something: it needs a fence, and none that is older than another."""

    async def fenced(request: Request) -> Response:
        try:
            return await handler(request)
        except NoFence as error:
            return _refused(422, str(error))
        except StaleFence as error:
            return _refused(412, str(error))

    return fenced


class NoFence(Exception):
    """The order does not say under which fence it comes."""


def _guard(token: str | None, hosts: AbstractSet[str]) -> Callable[[Handler], Handler]:
    expected = None if token is None else f"Bearer {token}".encode()

    def guard(handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            if request.url.hostname not in hosts:
                return _refused(
                    421, f"this agent is reached as {', '.join(sorted(hosts))}, not as {request.url.hostname}"
                )
            given = request.headers.get("authorization", "").encode()
            if expected is not None and not hmac.compare_digest(given, expected):
                return _refused(401, "this agent wants its token: Authorization: Bearer ...")
            return await handler(request)

        return guarded

    return guard


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Impossible("", f"the order is larger than {LARGEST_BODY} bytes")
    return bytes(body)


def _key(request: Request) -> Key:
    return request.path_params["application"], request.path_params["instance"]


def _is_dry_run(request: Request) -> bool:
    return request.query_params.get("dry_run") == "true"


def _fence(request: Request) -> Fence:
    fence = read_fence(request.query_params.get("fence", ""))
    if fence is None:
        raise NoFence("fence: must be LEASE.SEQUENCE, two whole numbers, as in ?fence=3.12")
    return fence


def _shown(status: Status) -> Response:
    return JSONResponse(status.model_dump(mode="json"))


def _refused(status: int, detail: str, *, field: str = "") -> Response:
    return JSONResponse(Refusal(detail=detail, field=field).model_dump(), status_code=status)
