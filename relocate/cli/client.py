# SPDX-License-Identifier: Apache-2.0
"""The API as a client sees it: JSON in and out, and every failure a sentence."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from relocate.cli.exits import Refused, Unreachable, Wrong
from relocate.cli.tls import context, why_no_connection
from relocate.loopback import is_loopback

PATIENCE = httpx.Timeout(10.0, connect=3.0)
"""For an ordinary question."""

SILENCE_SECONDS = 30.0
"""Longest silence of an event stream; the API sends a sign of life every 10 s."""

ModelT = TypeVar("ModelT", bound=BaseModel)


class Event(NamedTuple):
    """One server-sent event."""

    id: str
    kind: str
    data: Any


class Client:
    """One server. All methods raise `Refused` for a problem and `Unreachable` when there is no answer."""

    def __init__(self, server: str, token: str | None = None) -> None:
        """Args: server: address of the API; token: bearer token. Raises Wrong."""
        self.server = _address(server)
        headers = {"accept": "application/json", "user-agent": "relocate"}
        if token:
            headers["authorization"] = f"Bearer {_printable(token)}"
        proxied = not is_loopback(self.server.host)
        self._http = httpx.Client(
            base_url=self.server, headers=headers, timeout=PATIENCE, trust_env=proxied, verify=context()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int | None) -> Any:
        """The JSON at `path`; a query that is None is left out."""
        return self._ask("GET", path, params={name: value for name, value in query.items() if value is not None})

    def put(self, path: str, body: object, *, seconds: float | None = None) -> Any:
        """Put `body`; `seconds` is how long the answer may take, when it takes longer than usual."""
        return self._ask(
            "PUT", path, json=body, **({} if seconds is None else {"timeout": httpx.Timeout(seconds, connect=3)})
        )

    def delete(self, path: str, *, seconds: float) -> Any:
        """Delete what is at `path`; the answer may take so long."""
        return self._ask("DELETE", path, timeout=httpx.Timeout(seconds, connect=3))

    def post(self, path: str, body: object, *, headers: Mapping[str, str] | None = None, **query: str) -> Any:
        """Post `body`."""
        return self._ask("POST", path, json=body, headers=headers, params=query)

    def events(self, path: str, after: str) -> Iterator[Event]:
        """The events at `path` that follow `after`, until the server ends the stream."""
        headers = {"accept": "text/event-stream", **({"last-event-id": after} if after else {})}
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=3)
        with self._reached(), self._http.stream("GET", path, headers=headers, timeout=timeout) as response:
            if response.is_error:
                response.read()
                raise refusal(response)
            yield from _events(response.iter_lines())

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        with self._reached():
            response = self._http.request(method, path, **more)
        if response.is_error:
            raise refusal(response)
        try:
            return response.json()
        except ValueError as error:
            raise Refused(f"{self.server} answered something that is not JSON; is this the API's address?") from error

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectTimeout as error:
            raise Unreachable(f"{self.server} does not take connections. {_HINT}") from error
        except httpx.TimeoutException as error:
            raise Unreachable(f"{self.server} gave no answer in time; what was asked for may still happen.") from error
        except httpx.TransportError as error:
            reason = why_no_connection(error, self.server) or f"{error}. {_HINT}"
            raise Unreachable(f"{self.server} cannot be reached: {reason}") from error


_HINT = "Does it run? Say where with --server or RELOCATE_SERVER; `relocate dev` starts one."


def relocation(identity: str, *more: str) -> str:
    """Path of a relocation, or of something that belongs to it."""
    return "/".join(("/v1/relocations", *(quote(part, safe="") for part in (identity, *more))))


def read(kind: type[ModelT], answer: Any) -> ModelT:
    """`answer` as a `kind`; raises Refused when the server speaks otherwise than this version does."""
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Refused(
            f"The server's answer cannot be read ({where}: {first['msg']}); see `relocate doctor`."
        ) from error


def refusal(response: httpx.Response) -> Refused:
    """An error answer in one or two sentences: title, detail, and the fields that are wrong."""
    problem = _problem(response)
    if problem is None:
        reason = f"{response.status_code} {response.reason_phrase}".strip()
        return Refused(f"The server answered {reason}, without a problem; is this the API's address?")
    detail = str(problem.get("detail") or "")
    told = [f"{problem.get('title')}: {detail}"]
    told += [
        f"  {each['field']}: {each['message']}" for each in problem.get("errors", ()) if each["message"] not in detail
    ]
    if "relocation" in problem:
        told.append(f"See `relocate status {str(problem['relocation']).rpartition('/')[2]}`.")
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        told.append("Give one with --token or RELOCATE_TOKEN.")
    return Refused("\n".join(told))


def _problem(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) and "title" in body else None


def _events(lines: Iterator[str]) -> Iterator[Event]:
    """Events of the HTML standard's wire form; comments are passed over, and so is what was cut off in the middle."""
    found: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            found[name] = value.removeprefix(" ")
        elif "data" in found:
            yield Event(found.get("id", ""), found.get("event", "message"), _json(found["data"]))
            found = {}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused("The server's events cannot be read; see `relocate doctor`.") from error


def _address(server: str) -> httpx.URL:
    try:
        url = httpx.URL(server)
    except httpx.InvalidURL as error:
        raise Wrong(f"--server: {server!r} is no address: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise Wrong(f"--server: {server!r} must be like http://127.0.0.1:8070")
    return url


def _printable(token: str) -> str:
    if not (token.isascii() and token.isprintable()):
        raise Wrong("--token: must consist of printable ASCII characters")
    return token
