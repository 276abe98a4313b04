# SPDX-License-Identifier: Apache-2.0
"""What every route works with, and who asked."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request
from prometheus_client import Counter

from api.access.audit import Recorder
from api.access.principal import Principal
from api.event_tail import EventTail
from api.guard import CALLER
from relocate.attestation import Signer
from relocate.dispatch import Dispatch
from relocate.settings import Settings
from relocate.store.database import Database


@dataclass(frozen=True)
class Service:
    """The parts that one API process is made of."""

    settings: Settings
    database: Database
    dispatch: Dispatch
    tail: EventTail
    signer: Signer
    ue_events: Counter
    """UE events, by what was decided."""
    invocations: Counter
    """Workflows that EMCO wanted started, by workflow client and what became of it."""
    recorder: Recorder
    """Of who did what."""


def service_of(request: Request) -> Service:
    """The parts of the process that answers."""
    service = request.app.state.service
    if not isinstance(service, Service):  # pragma: no cover - create_app always sets it
        raise TypeError("app.state.service is not set")
    return service


def principal_of(request: Request) -> Principal:
    """Who asks."""
    found = request.scope[CALLER]
    if not isinstance(found, Principal):  # pragma: no cover - the guard always sets it
        raise TypeError(f"the caller is {found!r}")
    return found


# FastAPI sends a function that is not async to a thread, which costs more than these do; and each part of a part costs again.
async def _service(request: Request) -> Service:
    return service_of(request)


async def _principal(request: Request) -> Principal:
    return principal_of(request)


async def _caller(request: Request) -> str:
    return principal_of(request).name


TheService = Annotated[Service, Depends(_service)]

ThePrincipal = Annotated[Principal, Depends(_principal)]

Caller = Annotated[str, Depends(_caller)]
"""The principal's name, or `anonymous`."""

Identity = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Id of a relocation.", examples=["r-7f3k2m"]),
]
