# SPDX-License-Identifier: Apache-2.0
"""The REST of EMCO's orchestrator, clm and dcm, on one port. Errors are lines of text, as Go's `http.Error` writes them."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from relocate.emco_sim.emco import Emco
from relocate.emco_sim.errors import Refused
from relocate.emco_sim.resources import Path, is_collection

ACTIONS = ("approve", "instantiate", "update", "rollback", "terminate")
LARGEST = 1024 * 1024
"""Bytes of a body."""

Handler = Callable[[Request], Awaitable[Response]]


def application(emco: Emco) -> Starlette:
    """The ASGI application; what `emco` has running is left as it is when it shuts down."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await emco.close()

    routes = _Routes(emco)
    everything = Route("/v2/{path:path}", _telling(routes.take), methods=["GET", "POST", "PUT", "DELETE"])
    return Starlette(routes=[everything], lifespan=lifespan)


class _Routes:
    def __init__(self, emco: Emco) -> None:
        self._emco = emco

    async def take(self, request: Request) -> Response:
        path = tuple(part for part in request.path_params["path"].split("/") if part)
        match request.method:
            case "GET":
                return await self._get(path, request)
            case "POST":
                return await self._post(path, request)
            case "PUT":
                return await self._put(path, request)
            case _:
                self._emco.delete(path)
                return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _get(self, path: Path, request: Request) -> Response:
        if path[-1:] == ("status",):
            return JSONResponse(await self._emco.status(path[:-1], request.query_params.multi_items()))
        if not is_collection(path):
            return JSONResponse(self._emco.resources.get(path))
        if path[-1] == "clusters" and "label" in request.query_params:
            return JSONResponse([one.name for one in self._emco.labelled(path[1], request.query_params["label"])])
        found = self._emco.resources.list(path)
        app = request.query_params.get("app")
        if path[-1] == "app-intents" and app:
            found = [body for body in found if body["spec"]["app"] == app]
        return JSONResponse(found)

    async def _post(self, path: Path, request: Request) -> Response:
        body, file = await _body(request)
        if path[-1:] and path[-1] in ACTIONS:
            revision = self._emco.act(path[:-1], path[-1], body)
            # A bare number, with no newline.
            return Response("" if revision is None else str(revision), HTTPStatus.ACCEPTED)
        self._emco.create(path, body, file)
        return JSONResponse(body, HTTPStatus.CREATED)

    async def _put(self, path: Path, request: Request) -> Response:
        body, _ = await _body(request)
        existed = self._emco.put(path, body)
        return JSONResponse(body, HTTPStatus.OK if existed else HTTPStatus.CREATED)


async def _body(request: Request) -> tuple[Mapping[str, Any], bytes | None]:
    """The document, and the file that came with it."""
    if int(request.headers.get("content-length", "0")) > LARGEST:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "http: request body too large")
    kind, content = request.headers.get("content-type", ""), await request.body()
    if not kind.startswith("multipart/form-data"):
        return _parsed(content), None
    parts = _parts(kind, content)
    return _parsed(parts.get("metadata", b"")), parts.get("file")


def _parts(kind: str, content: bytes) -> Mapping[str, bytes]:
    """Of a form, by name (RFC 7578)."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + content)
    found = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            found[name] = bytes(part.get_payload(decode=True))
    return found


def _parsed(text: bytes) -> Mapping[str, Any]:
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    if not isinstance(found, dict):
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "json: cannot unmarshal")
    return found


def _telling(handle: Handler) -> Handler:
    async def told(request: Request) -> Response:
        if "origin" in request.headers:  # it has programs run: not at the wish of a page
            return PlainTextResponse("a page may not ask here\n", HTTPStatus.FORBIDDEN)
        try:
            return await handle(request)
        except Refused as refused:
            return PlainTextResponse(f"{refused}\n", refused.status)

    return told
