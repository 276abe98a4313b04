# SPDX-License-Identifier: Apache-2.0
"""The proof of a relocation, to read or to download."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.service import Identity, TheService
from relocate.attestation import collect, decision
from relocate.evidence.envelope import Envelope
from relocate.evidence.rows import instance_of
from relocate.model.chain import broken_link
from relocate.model.evidence import Entry
from relocate.store.database import Database
from relocate.targets.contract import Decision

router = APIRouter(tags=["evidence"])

FAILURES = 1000
"""At most so many failures are told verbatim."""


class WatchedSpan(BaseModel):
    """What one vantage watched of one route."""

    route: str
    vantage: str
    first_second: int = Field(description="Epoch second.")
    last_second: int
    seconds: int = Field(description="Seconds with samples in them.")
    missing: int = Field(description="Seconds between first and last without any: a hole is inconclusive.")


class SeenFailure(BaseModel):
    """One failure as the prober saw it, verbatim."""

    route: str
    vantage: str
    at: datetime
    text: str


class Evidence(BaseModel):
    """Everything that was observed of one relocation."""

    relocation: str
    head: str | None = Field(description="Digest of the last entry: whoever kept it can tell any later change.")
    broken_link: int | None = Field(description="Number of the first entry that does not follow from the one before.")
    by_rung: dict[str, int] = Field(description="Claims that hold, by rung.")
    against: int = Field(description="Claims that spoke against going on.")
    decision: Decision | None
    entries: list[Entry]
    watched: list[WatchedSpan]
    failures: list[SeenFailure]


class SigningKey(BaseModel):
    """By which key downloaded evidence is signed."""

    keyid: str | None = Field(description="SHA-256 of the key; stands in every envelope. Null: nothing is signed here.")
    pem: str | None


@router.get("/v1/relocations/{identity}/evidence", response_model=Evidence | Envelope)
async def evidence(
    identity: Identity,
    service: TheService,
    download: Annotated[bool, Query(description="Answer the whole record as a signed file.")] = False,
) -> Any:
    """The record: claims in a hash chain, what was watched, every failure verbatim, and the decision.

    With `download` it is a DSSE envelope around an in-toto statement, with every second that the prober saw: what
    `relocate verify` recomputes. That of a relocation that still runs is a snapshot, and says so.
    """
    if not download:
        return await asyncio.to_thread(_collect, service.database, identity)
    body = await asyncio.to_thread(lambda: service.signer.attest(collect(service.database, identity)))
    name = {"Content-Disposition": f'attachment; filename="evidence-{identity}.json"'}
    return Response(body, media_type="application/json", headers=name)


@router.get("/v1/evidence/key")
async def key(service: TheService) -> SigningKey:
    """The public key by which downloaded evidence can be checked: keep it before you need it."""
    return SigningKey(keyid=service.signer.key_id, pem=service.signer.public_key)


def _collect(database: Database, identity: str) -> Evidence:
    database.relocations.get(identity)
    entries = list(database.evidence.of(identity))
    by_rung: dict[str, int] = {}
    for entry in entries:
        if entry.claim.holds:
            by_rung[entry.claim.rung] = by_rung.get(entry.claim.rung, 0) + 1
    failures = database.watched.failures(identity, FAILURES)
    return Evidence(
        relocation=identity,
        head=entries[-1].digest if entries else None,
        broken_link=broken_link(entries),
        by_rung=dict(sorted(by_rung.items())),
        against=sum(not entry.claim.holds for entry in entries),
        decision=decision(database, identity),
        entries=entries,
        watched=_spans(database, identity),
        failures=[SeenFailure(**failure._asdict()) for failure in failures],
    )


def _spans(database: Database, identity: str) -> list[WatchedSpan]:
    seconds: dict[tuple[str, str], set[int]] = {}
    for route, vantage, second, _ in database.watched.seconds(identity):
        seconds.setdefault((route, instance_of(vantage)), set()).add(second)
    return [
        WatchedSpan(
            route=route,
            vantage=vantage,
            first_second=min(found),
            last_second=max(found),
            seconds=len(found),
            missing=max(found) - min(found) + 1 - len(found),
        )
        for (route, vantage), found in sorted(seconds.items())
    ]
