# SPDX-License-Identifier: Apache-2.0
"""RFC 9457 problems: every error answer of the API, and the one place where errors become answers.

`type` is a stable relative URI, `/problems/NAME`; the API answers it with the explanation that also stands in
docs/reference/problems.md. Text meant for people stands in `detail`; `errors` names fields, dotted.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from relocate import errors

MEDIA_TYPE = "application/problem+json"

_log = structlog.get_logger(__name__)


class Kind(NamedTuple):
    """One type of problem."""

    status: int
    title: str
    meaning: str
    """What it means and what to do, for the reference page."""


KINDS: Mapping[str, Kind] = {
    "invalid-request": Kind(422, "The request makes no sense", "`errors` names each field and what is allowed."),
    "not-json": Kind(400, "The body is not JSON that we accept", "`detail` says where and why."),
    "body-too-large": Kind(413, "The body is too large", "At most 1 MiB."),
    "unsupported-media-type": Kind(415, "The body's media type is not accepted", "Send application/json."),
    "idempotency-key-reused": Kind(
        422, "The Idempotency-Key was used for another request", "A key stands for one request; take another key."
    ),
    "not-found": Kind(404, "Nothing of that name is known", "The name is right in form, but not known here."),
    "no-such-page": Kind(404, "There is no such address", "/openapi.json lists every address."),
    "method-not-allowed": Kind(
        405, "This address does not take that method", "The header `Allow` lists what it takes."
    ),
    "already-relocating": Kind(
        409, "The application is being relocated", "`relocation` is the address of the running relocation."
    ),
    "already-exists": Kind(
        409, "There is one of that name", "Nothing was changed; delete it first, or take another name."
    ),
    "already-started": Kind(
        409,
        "The workflow had been started before",
        "`WorkflowExecutionErrorWhenAlreadyStarted` says that this is an error.",
    ),
    "refused": Kind(409, "The command was refused", "Nothing changed; `detail` says why not now."),
    "target-failed": Kind(409, "The instance will not become ready there", "`detail` says why; waiting does not help."),
    "not-proven": Kind(409, "The proof that this needs could not be had", "Nothing irreversible was done."),
    "unhealthy": Kind(409, "That side is not proven healthy now", "Traffic stays on the side that is."),
    "stale": Kind(409, "A newer step has been here", "This attempt changed nothing."),
    "unauthorized": Kind(
        401,
        "A bearer token is needed",
        "Send `Authorization: Bearer TOKEN`, with a token that is known here or signed by a known issuer and has not expired.",
    ),
    "forbidden": Kind(403, "The caller may not do this", "`detail` names the scope or the projects that it needs."),
    "too-many-requests": Kind(
        429, "The caller asks too often", "Nothing was done; `Retry-After` says in how many seconds to come back."
    ),
    "wrong-host": Kind(
        403,
        "The request was not addressed to this machine",
        "Without tokens only requests to localhost, from pages of localhost, are answered (DNS rebinding).",
    ),
    "issuer-unavailable": Kind(
        503,
        "The keys of the tokens' issuer cannot be had now",
        "The token can be neither taken nor refused; `Retry-After` says in how many seconds to come back.",
    ),
    "engine-unavailable": Kind(503, "Temporal cannot be asked now", "Nothing was accepted; try again."),
    "cluster-unavailable": Kind(503, "A cluster cannot be asked now", "Try again."),
    "database-unavailable": Kind(503, "The database cannot be asked now", "Try again; /readyz says more."),
    "evidence-not-stored": Kind(503, "Evidence could not be written", "Nothing irreversible was done; try again."),
    "not-recorded": Kind(
        503,
        "It could not be put on record",
        "It may have been done; look before you try again. The log has what happened.",
    ),
    "http": Kind(400, "The request was not understood", "`status` and `detail` say more."),
    "internal": Kind(500, "Something is wrong with the service", "The service's log has the cause under this moment."),
}
"""All problems by name. A name, once published, keeps its meaning."""

_BY_ERROR: Sequence[tuple[type[Exception], str]] = (
    (errors.InvalidRequest, "invalid-request"),
    (errors.NotFound, "not-found"),
    (errors.AlreadyRelocating, "already-relocating"),
    (errors.AlreadyExists, "already-exists"),
    (errors.AlreadyStarted, "already-started"),
    (errors.NotRunning, "refused"),
    (errors.StaleFence, "stale"),
    (errors.ClusterUnavailable, "cluster-unavailable"),
    (errors.TargetFailed, "target-failed"),
    (errors.NotProven, "not-proven"),
    (errors.Unhealthy, "unhealthy"),
    (errors.EvidenceNotStored, "evidence-not-stored"),
    (errors.EngineUnavailable, "engine-unavailable"),
    (SQLAlchemyError, "database-unavailable"),
)

_NAMED = re.compile(r"([a-z_.]+): (.+)", re.DOTALL)

_BY_STATUS = {404: "no-such-page", 405: "method-not-allowed", 413: "body-too-large", 415: "unsupported-media-type"}


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Dotted path of the field, as in `options.drain.deadline_seconds`.")
    message: str = Field(description="What is wrong, and what is allowed.")


class Problem(BaseModel):
    """An RFC 9457 problem."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable: `/problems/NAME`.", examples=["/problems/not-found"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="The address that was asked.")
    errors: list[FieldError] = Field(default_factory=list)


class Refused(errors.RelocateError):
    """A command was understood and refused; nothing changed."""


class RequestRefused(Exception):
    """Ends a request with one named problem."""

    def __init__(self, name: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        """Args: name: a key of `KINDS`; detail: the sentence for people; headers: for the answer."""
        super().__init__(detail)
        self.name = name
        self.headers = dict(headers or {})


def answer(
    name: str,
    detail: str,
    instance: str,
    *,
    status: int | None = None,
    fields: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer for problem `name`; `more` are members of its own (RFC 9457, 3.2)."""
    kind = KINDS[name]
    problem = Problem(
        type=f"/problems/{name}",
        title=kind.title,
        status=status or kind.status,
        detail=detail,
        instance=instance,
        errors=list(fields),
        **(more or {}),
    )
    body = problem.model_dump(exclude={"errors"} if not fields else None)
    return JSONResponse(body, problem.status, dict(headers or {}), media_type=MEDIA_TYPE)


def refusal(refused: RequestRefused, instance: str) -> JSONResponse:
    """The answer that `refused` stands for."""
    return answer(refused.name, str(refused), instance, headers=refused.headers)


def name_of(error: Exception) -> str:
    """The problem that stands for `error`; `internal` for what nobody foresaw."""
    if isinstance(error, Refused):
        return "refused"
    if isinstance(error, errors.InvalidRequest) and error.field == "Idempotency-Key":
        return "idempotency-key-reused"
    return next((name for kind, name in _BY_ERROR if isinstance(error, kind)), "internal")


def of_error(error: Exception, instance: str) -> JSONResponse:
    """The answer for an error of ours or of the database."""
    name = name_of(error)
    fields: list[FieldError] = []
    more: dict[str, str] = {}
    headers: dict[str, str] = {}
    if isinstance(error, errors.InvalidRequest) and error.field:
        fields.append(FieldError(field=error.field, message=str(error)))
    if isinstance(error, errors.AlreadyRelocating):
        more["relocation"] = f"/v1/relocations/{error.relocation}"
        headers["Link"] = f'<{more["relocation"]}>; rel="related"'
    if KINDS[name].status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    detail = str(error) if isinstance(error, errors.RelocateError) else KINDS[name].meaning
    return answer(name, detail, instance, fields=fields, headers=headers, more=more)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestRefused, _of_refused)
    app.add_exception_handler(errors.RelocateError, _of_known)
    app.add_exception_handler(SQLAlchemyError, _of_known)
    app.add_exception_handler(Exception, _of_unknown)


async def _of_validation(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):  # pragma: no cover - FastAPI calls it for nothing else
        raise error
    return invalid(fields_of(error), request.url.path)


def fields_of(error: RequestValidationError) -> Sequence[FieldError]:
    """What is wrong with which field."""
    return [_field_error(one) for one in error.errors()]


def invalid(fields: Sequence[FieldError], instance: str, *, status: int | None = None) -> JSONResponse:
    """The answer to what makes no sense; the first fields are named in words too."""
    detail = "; ".join(f"{one.field}: {one.message}" for one in fields[:3])
    return answer("invalid-request", detail, instance, status=status, fields=fields)


def _field_error(found: Mapping[str, object]) -> FieldError:
    """Our form of one pydantic error; where the request carried it (body, query, ...) is left out."""
    location = found.get("loc")
    path = [str(part) for part in location] if isinstance(location, tuple) else []
    path = path[1:] if path[:1] == ["body"] else path
    message = str(found.get("msg", "")).removeprefix("Value error, ")
    # Rules over several fields name the one to change in their text, as in "target: must differ from source".
    if found.get("type") == "value_error" and (named := _NAMED.match(message)):
        path, message = [*path, named[1]], named[2]
    return FieldError(field=".".join(path) or "body", message=message)


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):  # pragma: no cover - Starlette calls it for nothing else
        raise error
    name = _BY_STATUS.get(error.status_code, "http")
    detail = f"{error.detail}: {request.method} {request.url.path}"
    return answer(name, detail, request.url.path, status=error.status_code, headers=error.headers)


async def _of_refused(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestRefused):  # pragma: no cover - Starlette calls it for nothing else
        raise error
    return refusal(error, request.url.path)


async def _of_known(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, SQLAlchemyError):
        _log.error("database failed", path=request.url.path, error=str(error), **_concerned(request))
    return of_error(error, request.url.path)


async def _of_unknown(request: Request, error: Exception) -> JSONResponse:
    _log.error("unforeseen error", path=request.url.path, exc_info=error, **_concerned(request))
    return answer("internal", KINDS["internal"].meaning, request.url.path)


def _concerned(request: Request) -> Mapping[str, str]:
    """For the log: the relocation whose address was asked."""
    path = request.path_params
    return {"relocation": path["identity"]} if "identity" in path else {}


def reference() -> str:
    """The page docs/reference/problems.md (written by `python -m api.problems`)."""
    rows = [f"| `{name}` | {kind.status} | {kind.title} | {kind.meaning} |" for name, kind in sorted(KINDS.items())]
    intro = (
        "Every error of the API is an RFC 9457 problem (`application/problem+json`) with `type` (`/problems/NAME`,\n"
        "stable), `title`, `status`, `detail` (a sentence for people), `instance` (the address asked) and, where fields\n"
        "are wrong, `errors: [{field, message}]`. This page is written by `python -m api.problems`."
    )
    head = ["| name | status | title | meaning |", "|---|---|---|---|"]
    return "\n".join(["# Problems", "", intro, "", *head, *rows, ""])


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - printing is what this command is for
