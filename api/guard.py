# SPDX-License-Identifier: Apache-2.0
"""What stands before every request: who asks (api.access), from where (host and origin), how often, and how large it may be.

Plain ASGI, outside of FastAPI, so that no route can be forgotten: what is not named public needs a token.
"""

import math
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.audit import LOOKS, Recorder, read
from api.access.credentials import Credentials
from api.access.principal import ANONYMOUS, Principal
from api.limiting import Rates
from api.problems import RequestRefused, refusal
from api.strict_json import NotJson, parse
from relocate.settings import Settings

MAX_BODY = 1024 * 1024
"""Bytes; an application of a hundred routes has about 50 kB."""

NOBODY = Principal(ANONYMOUS, "nothing")
"""Whoever asks where nobody has anything to show."""
CALLER = "relocate.caller"
"""Key in the ASGI scope under which the caller stands, a `Principal`."""

_PUBLIC = re.compile(r"^/(page/[a-z]+\.(js|css|svg)|problems/[a-z-]+)?$")
_CATALOGUE = re.compile(r"^/v1/(applications|clusters|gateways)/[^/]+/?$")
_LOOPBACK = re.compile(r"^(localhost|[a-z0-9-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$")
_JSON = re.compile(r"^application/(json|[a-z0-9.-]+\+json)$")

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def is_loopback(host: str) -> bool:
    """Whether listening on `host` reaches this machine only."""
    return bool(_LOOPBACK.match(f"[{host}]" if ":" in host else host.lower()))


def scope_for(method: str, path: str) -> str | None:
    """The scope that a request needs; None for the page and its files, whose data needs one."""
    if method in LOOKS:
        if path.rstrip("/") == "/v1/audit":
            return "admin"
        return None if _PUBLIC.match(path) else "read"
    return "admin" if _CATALOGUE.match(path) else "write"


class Guard:
    """Lets through what may come in, and says who it is."""

    def __init__(self, app: ASGIApp, settings: Settings, recorder: Recorder) -> None:
        """Args: app: what is guarded; settings: who is known, and how often each may ask; recorder: of who did what."""
        self._app = app
        self._recorder = recorder
        self._secured = settings.secured
        self._credentials = Credentials(settings)
        often = settings.requests_per_second
        self._rates = None if often is None else Rates(often, settings.requests_at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: checked, then passed on, or answered here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _secured(send)
        try:
            scope[CALLER] = principal = await self._let_in(scope)
            if principal != NOBODY:
                send = self._recorder.recording(scope, principal, receive, send)
            _check_scope(scope, principal)
            body = await _body(Headers(scope=scope), receive)
        except RequestRefused as refused:
            await refusal(refused, scope["path"])(scope, receive, send)
            return
        read(scope, body)
        try:
            await self._app(scope, _replay(body, receive), send)
        except Exception:
            await self._recorder.broke(scope)
            raise

    async def _let_in(self, scope: Scope) -> Principal:
        """Who asks, and not too often; who is not let in counts by its address. Raises RequestRefused."""
        try:
            principal = await self._principal(scope)
        except RequestRefused:
            self._count(_address(scope))
            raise
        self._count(_address(scope) if principal == NOBODY else f"{principal.shown} {principal.name}")
        return principal

    def _count(self, who: str) -> None:
        wait = 0.0 if self._rates is None else self._rates.wait(who)
        if wait:
            seconds = math.ceil(wait)
            raise RequestRefused(
                "too-many-requests", f"come back in {seconds} s", headers={"Retry-After": str(seconds)}
            )

    async def _principal(self, scope: Scope) -> Principal:
        """Who asks. Raises RequestRefused."""
        if not self._secured:
            _check_host(Headers(scope=scope))
            return NOBODY
        if scope_for(scope["method"], scope["path"]) is None:
            return NOBODY
        return await self._credentials.principal(scope)


def _check_scope(scope: Scope, principal: Principal) -> None:
    needed = scope_for(scope["method"], scope["path"])
    if needed is not None and not principal.may(needed):
        raise RequestRefused("forbidden", f"{principal.name} lacks the scope {needed}")


def _address(scope: Scope) -> str:
    """Of whoever is connected: of a proxy, where one stands before us."""
    client = scope.get("client")
    return f"address {client[0] if client else ''}"


def _check_host(headers: Headers) -> None:
    """Without tokens, a foreign page must not reach us through its visitor's browser."""
    host = headers.get("host", "")
    origin = headers.get("origin")
    if not _LOOPBACK.match(_name(f"//{host}")):
        raise RequestRefused("wrong-host", f"the Host header says {host[:80]!r}; without tokens it must be localhost")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise RequestRefused("wrong-host", f"a page of {origin[:80]!r} may not ask this service")


def _name(url: str) -> str:
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:  # a malformed address is no host of ours
        return ""
    return f"[{name}]" if ":" in name else name


async def _body(headers: Headers, receive: Receive) -> bytes:
    """The whole body, checked: size, media type, JSON."""
    announced = headers.get("content-length", "0")
    if not announced.isdecimal() or len(announced) > 12 or int(announced) > MAX_BODY:  # noqa: PLR2004 - of digits
        raise RequestRefused("body-too-large", f"the body may have at most {MAX_BODY} bytes", headers=_CLOSE)
    chunks: list[bytes] = []
    size = 0
    more = announced != "0" or "transfer-encoding" in headers
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY:
            raise RequestRefused("body-too-large", f"the body may have at most {MAX_BODY} bytes", headers=_CLOSE)
        more = message.get("more_body", False)
    body = b"".join(chunks)
    if body:
        _check_json(headers.get("content-type", ""), body)
    return body


_CLOSE = {"Connection": "close"}


def _check_json(media_type: str, body: bytes) -> None:
    if not _JSON.match(media_type.partition(";")[0].strip().lower()):
        sent = f"{media_type[:80]!r}" if media_type else "none"
        raise RequestRefused("unsupported-media-type", f"the body must be application/json; Content-Type was {sent}")
    try:
        parse(body)
    except NotJson as error:
        raise RequestRefused("not-json", str(error)) from error


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read, once; after it whatever comes (a disconnect)."""
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _secured(send: Send) -> Send:
    """Headers that every answer carries; nothing here is for other sites, caches or frames."""

    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", PAGE_POLICY)
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Referrer-Policy", "no-referrer")
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return secured
